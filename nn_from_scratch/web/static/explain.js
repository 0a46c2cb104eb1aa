// One or two sentences on everything, on hover and on focus, all in one place: what a thing is, and what to look for.
// An element names its text with data-explain; parts of a canvas hand in theirs when they are pointed at.

import { byId, write } from "./dom.js";

export const TEXTS = {
  architecture: "The network that learns: its inputs, the neurons of each hidden layer, and its outputs. What you change is built at once, from the same seed.",
  start: "Shows the network one batch of images after another and corrects its weights a little after each. The space bar does the same.",
  pause: "Stops after the step under way, so that you can look around. The space bar does the same.",
  step_example: "Learns from a single image and stops, and shows how: the guess, the error, the blame and the update.",
  step_batch: "Learns from one batch: the gradients of all its images are averaged, then the weights move once.",
  step_epoch: "Learns from every training image once, in random order, and stops.",
  rewind: "Back to the same first weights, with the same order of images to come: what you saw will happen again, number for number.",
  state: "What the training is doing right now.",
  gradient_check: "Back-propagation was compared with measured slopes: some weights were nudged a little and the change of the loss was measured. The number is the largest relative difference found.",
  level: "Watch shows the image, the network and its answer; Explain adds the loss, the way back and the mistakes; Everything adds all there is.",
  present: "For a projector: large text, the network and one curve. The key P does the same.",
  tour: "Points at one thing after another, in a minute.",
  experiments: "What happens if something is done wrong on purpose: predict, run, and compare.",
  add_layer: "Adds a hidden layer, and builds the network anew from the same seed.",
  stage: "Which image goes through the network in the picture.",
  stage_pinned: "One image that the network never learns from, always the same: so one can watch an opinion form.",
  stage_latest: "The image that the network has learnt from last: another one with every step.",
  stage_mistake: "An image that the network gets wrong.",
  stage_test: "One of the test images.",
  stage_drawing: "What you have drawn on the pad.",
  stage_next: "Another image of the same kind.",
  beat_guess: "From left to right: what the network makes of the image, with the weights that it had before the step.",
  beat_error: "At the outputs: prediction minus target, p − t.",
  beat_blame: "From right to left: how the loss would change with each neuron's sum, δ; the lines are the slopes of this image's loss.",
  beat_update: "The weights move. Wide lines have grown, thin ones shrunk, and the changes are drawn larger than they are.",
  compare: "Keep a run, change one thing, and train from the same seed: what differs in the curves comes from that one thing.",
  keep: "Keeps the curves of this run in grey, and a row with its settings.",
  forget: "Takes all kept runs away.",
  weight_decay: "Pulls every weight towards 0 with every step, by this share times the learning rate. It keeps a network from learning by heart.",
  full_batch: "Every step then sees all training images: the true slope of the loss, but only one step to an epoch.",
  loss_choice: "What is made small. The last activation follows: softmax for cross-entropy, sigmoid for binary cross-entropy.",
  drawing_label: "What you have drawn.",
  drawing_keep: "Keeps this drawing and its label in this browser.",
  drawings_learn: "Adds the kept drawings to the training images, twenty times each, and goes on from the present weights.",
  drawings_export: "Saves the kept drawings as a file.",
  drawings_import: "Reads drawings from a file that was saved here.",
  theme: "Switches between a light and a dark page.",
  network: "The image enters at the left and its answer leaves at the right; the stronger a neuron's colour, the more active it is, orange below 0. Of many neurons a fixed sample is drawn, and of the lines the strongest: click a neuron for its sum, a line for the life of its weight.",
  step: "How often the weights have been corrected. One step is one batch, or one single image.",
  epoch: "How often the network has seen the whole training set.",
  throughput: "Steps of training in one second, measured just now.",
  edges: "Either the weights themselves, or what really flows: weight × activation. Blue is positive, orange negative, and a wider line is a larger number.",
  phases: "Also shows the way back: how the mistake at the outputs is handed down through the layers, and which weights it asks to change.",
  verdict: "The network answers with the output that is largest. Which image it is, you choose above the picture.",
  outputs_output: "How strongly the network speaks for each class; these numbers are not shares of one certainty. The largest is the answer; a frame marks the true one.",
  outputs_probability: "How the network divides its certainty among the classes: these probabilities sum to 1. The largest is the answer; a frame marks the true one.",
  output_deltas: "How the loss would grow if the sum behind this output grew. Orange, below zero: a larger sum would be better; blue: a smaller one.",
  loss: "How far the answers are from the right ones, as one number; training makes it small. Validation: the same on images that were held out, from which the network never learns.",
  accuracy: "The share of right answers. Where training goes on rising and validation does not, the network learns by heart.",
  log_scale: "A logarithmic scale shows small improvements late in training.",
  strips: "Every neuron of every layer is one cell: its activation, its ∂L/∂z and its bias. Click a cell, or move with the arrow keys and press Enter, for its sum.",
  tiles: "Each tile holds the weights of one neuron, in the places of the pixels they belong to: what this neuron looks for.",
  tiles_weights: "Blue pixels speak for the neuron when they are inked, orange ones against it. Click a tile, or move with the arrow keys and press Enter, for the neuron.",
  tiles_gradients: "How the loss of the last batch changes with each of these weights: where it is blue, a smaller weight would be better. Plain SGD goes that way; an optimizer that remembers earlier batches, such as Adam, often moves a weight the other way.",
  layers: "How strongly each layer is being asked to change. Gradients that shrink towards the input are why plain SGD is slow in deep sigmoid networks.",
  gradient_norm: "The length of the gradient of all weights and biases of this layer: the root of the sum of its squares. The bar is logarithmic, six powers of ten long.",
  gradient_mean: "The average size of one derivative in this layer.",
  weight_norm: "The length of all weights of this layer taken as one vector. It usually grows as the network becomes surer.",
  biases: "The smallest, mean and largest bias: what each neuron adds to its sum whatever it sees.",
  silent: "ReLU: the share of neurons that answered 0 to this image. Sigmoid: the share so close to 0 or 1, saturated, that almost no gradient passes; of an output that is right, nothing is wrong with that.",
  confusion: "Rows are what the image was, columns what the network answered; the diagonal is right. Choose a cell to see the images it counts.",
  learning_rate: "How far each step goes, from the next step on. Too small learns slowly, too large overshoots and may never recover.",
  speed: "How many steps a second at most. Slow is for watching, unlimited for training.",
  batch_size: "How many images are averaged before the weights move, from the next step on. Small batches are noisy but move often.",
  optimizer: "SGD goes straight against the gradient; Adam gives every weight its own step, from what it remembers of its gradients. Another optimizer begins with its own learning rate and settings, and without memory.",
  epoch_target: "Training stops by itself when the whole training set has been seen this many times. Empty: it goes on until you pause it.",
  draw: "Draw with the mouse, a finger or the keyboard: arrow keys move the pen, Space lowers and lifts it. The network answers while you draw, also while it is learning.",
  pad: "Draw as large or small as you like: “centre it” prepares a drawing as the digits of MNIST were.",
  pad_undo: "Takes back the last stroke. Ctrl+Z does the same.",
  pad_clear: "An empty pad. The Delete key does the same.",
  centre: "Scales the drawing to 20 pixels and moves its centre of mass to the middle, as was done to the digits of MNIST. Switch it off and draw in a corner, to see why it matters.",
  seen: "The 28 × 28 pixels that the network is really given.",
  preset: "A network with a tried recipe, built at once from the seed below. The page begins with 784-100-10, as a single hidden layer can be followed by eye; train.py begins with the more accurate 784-128-64-10.",
  activation: "How a hidden neuron bends its sum. ReLU cuts off what is below 0, sigmoid squeezes everything between 0 and 1.",
  seed: "The number from which the first weights and the order of the images are drawn. The same seed gives the same training, to the last bit.",
  restart: "Builds the same network from this seed, before its first step.",
  random_start: "Builds it from a new random seed, before its first step.",
  download: "The network as it is now, as a JSON file that evaluate.py and train.py understand.",
  upload: "A network saved here or by train.py takes the place of this one.",
};

const MARGIN = 8; // pixels
const PATIENCE = 450; // milliseconds that the pointer rests before something is said; the keyboard gets it at once
const bubble = byId("explanation");
let shownFor = null;
let waiting = null;
let done = null; // what was clicked: nothing more is said of it until the pointer has left it

/** Fill in what depends on the network. */
export function setOutputKind(kind) {
  TEXTS.outputs = kind === "probability" ? TEXTS.outputs_probability : TEXTS.outputs_output;
}

/** Say something about an element, or about a place on it: `box`, in the window. */
function show(element, text, box = element.getBoundingClientRect()) {
  if (shownFor !== element) hide();
  clearTimeout(waiting);
  shownFor = element;
  write(bubble, text);
  bubble.hidden = false;
  const [width, height] = [bubble.offsetWidth, bubble.offsetHeight];
  const left = Math.max(MARGIN, Math.min(box.left + box.width / 2 - width / 2, innerWidth - width - MARGIN));
  const below = box.bottom + MARGIN;
  const top = below + height < innerHeight ? below : Math.max(MARGIN, box.top - height - MARGIN);
  Object.assign(bubble.style, { left: `${left}px`, top: `${top}px` });
  element.setAttribute("aria-describedby", bubble.id);
}

/** The same, when the pointer has rested there for a moment. */
function showSoon(element, text, box) {
  clearTimeout(waiting);
  if (done?.contains(element)) return;
  if (shownFor === element) show(element, text, box);
  else waiting = setTimeout(() => element.isConnected && show(element, text, box), PATIENCE);
}

function hide() {
  clearTimeout(waiting);
  bubble.hidden = true;
  if (shownFor?.getAttribute("aria-describedby") === bubble.id) shownFor.removeAttribute("aria-describedby");
  shownFor = null;
}

/** Call `tell` with what is pointed at (soon) or focused (at once). A click's own focus needs no explanation. */
function listen(root, tell) {
  root.addEventListener("pointerover", ({ target }) => tell(target, showSoon));
  root.addEventListener("focusin", ({ target }) => target.matches(":focus-visible, .info") && tell(target, show));
}

export const explain = {
  hide,
  show,
  showSoon,

  /** Give an element made by a module one of the texts. */
  on(element, key) {
    element.dataset.explain = key;
  },

  /** Explain what is inside an element by a function of the part that is pointed at or focused. */
  parts(element, about) {
    listen(element, (target, say) => {
      const text = about(target);
      if (text) say(target, text);
    });
  },

  start() {
    listen(document.documentElement, (target, say) => {
      const element = target.closest("[data-explain]");
      if (element) say(element, TEXTS[element.dataset.explain]);
      else if (say === showSoon && !target.closest(`[aria-describedby=${bubble.id}], canvas, .neurons, #confusion`)) hide();
    });
    document.addEventListener("focusout", hide);
    document.addEventListener("pointerdown", ({ target }) => {
      if (target.closest(".info")) return;
      hide();
      done = target.closest("button, label, a, canvas, select, input") ?? target;
    });
    document.addEventListener("pointerover", ({ target }) => {
      if (!done?.contains(target)) done = null;
    });
    document.addEventListener("scroll", hide, true);
    document.addEventListener("keydown", ({ key }) => key === "Escape" && hide());
  },
};
