// One or two sentences on everything, shown on hover and on focus: what a thing is, and what to look for.
// An element names its text with data-explain; parts of a canvas supply their own when they are pointed at.

import { byId, write } from "./dom.js";

export const TEXTS = {
  architecture: "The network that learns: its inputs, the neurons of each hidden layer, and its outputs. If you change it, a new network is built at once, from the same seed.",
  start: "Shows the network one batch of images after another, and corrects its weights a little after each one. The space bar does the same.",
  pause: "Stops after the present step, so that you can look around. The space bar does the same.",
  step_example: "Learns from a single image, stops, and shows how it has learnt: the guess, the error, the blame and the update.",
  step_batch: "Learns from one batch: the gradients of all its images are averaged, then the weights move once.",
  step_epoch: "Learns from every training image once, in random order, and stops.",
  rewind: "Goes back to the same first weights and the same order of images: everything you saw will happen again, number for number.",
  state: "What the training is doing right now.",
  gradient_check: "Back-propagation was compared with measured slopes: some weights were nudged a little, and the change of the loss was measured. The number is the largest relative difference that was found.",
  level: "Watch shows the image, the network and its answer, and Explain adds the loss, the backward pass and the mistakes. Everything shows all there is.",
  present: "For a projector: large text, the network and one curve. The key P does the same.",
  tour: "Points at one thing after another. It takes a minute.",
  experiments: "Find out what happens if something is done wrong on purpose: predict, run, and compare.",
  add_layer: "Adds a hidden layer. The new network is built from the same seed.",
  stage: "Which image goes through the network in the picture.",
  stage_pinned: "Always the same image, from which the network never learns: you can watch how its answer develops.",
  stage_latest: "The image that the network learnt from last: a different one after every step.",
  stage_mistake: "An image that the network gets wrong.",
  stage_test: "One of the test images.",
  stage_drawing: "Your drawing on the pad.",
  stage_next: "Another image of the same kind.",
  beat_guess: "From left to right: the network answers, with the weights that it had before the step.",
  beat_error: "At the outputs: prediction minus target, p − t.",
  beat_blame: "From right to left: δ says how the loss would change with each neuron's sum. The lines are the slopes of this image's loss.",
  beat_update: "The weights move: a line that widens is a weight that grows, a line that thins is a weight that shrinks. The changes are drawn larger than they are.",
  compare: "Keep a run, change one thing, and train from the same seed: any difference between the curves comes from that one thing.",
  keep: "Keeps the curves of this run, in grey, and its settings as a row of the table.",
  forget: "Removes all kept runs.",
  weight_decay: "Pulls every weight towards 0 at every step, by this share times the learning rate. This keeps a network from memorizing its training images.",
  full_batch: "Every step then uses all training images. It follows the true slope of the loss, but an epoch has only one step.",
  loss_choice: "The number that training makes small. The last activation is chosen to match: softmax for cross-entropy, sigmoid for binary cross-entropy.",
  drawing_label: "The right answer for your drawing.",
  drawing_keep: "Keeps this drawing and its label in this browser.",
  drawings_learn: "Adds the kept drawings to the training images, twenty times each, and goes on from the present weights.",
  drawings_export: "Saves the kept drawings as a file.",
  drawings_import: "Reads drawings from a file that was saved by this page.",
  theme: "Switches between a light and a dark page.",
  network: "The image enters on the left, and the answer comes out on the right; stronger colours are larger activations, orange ones are below 0. Click a neuron to see its sum, or a line to see the history of its weight; a large layer shows a fixed sample of its neurons, and only the strongest lines.",
  step: "How many times the weights have been corrected. A step takes one batch, or a single image.",
  epoch: "How many times the network has seen the whole training set.",
  throughput: "Training steps per second, measured just now.",
  edges: "Either the weights themselves, or what flows along them: weight × activation. Blue is positive, orange is negative, and a wider line is a larger number.",
  phases: "Also shows the backward pass: how the error at the outputs is passed back through the layers, and which weights should change.",
  verdict: "The largest output is the network's answer. You can choose the image above the picture.",
  outputs_output: "How strongly the network speaks for each class; these numbers need not add up to 1. The largest is the answer; a frame marks the right class.",
  outputs_probability: "How the network divides its certainty among the classes: these probabilities sum to 1. The largest is the answer; a frame marks the right class.",
  output_deltas: "How the loss would change if the sum behind this output grew. Orange, below 0, means that a larger sum would be better; blue, that a smaller one would be.",
  loss: "One number that says how far the answers are from the right ones; training makes it small. Validation is the loss on held-out images, from which the network never learns.",
  accuracy: "The share of right answers. If training keeps rising and validation does not, the network is memorizing its training images.",
  log_scale: "A logarithmic scale shows small improvements late in training.",
  strips: "Every neuron of every layer is one cell: its activation, its ∂L/∂z and its bias. Click a cell, or move with the arrow keys and press Enter, to see its sum.",
  tiles: "Each tile shows the weights of one neuron, each in the place of its pixel: the pattern that this neuron looks for.",
  tiles_weights: "Ink on a blue pixel raises the neuron's sum, ink on an orange one lowers it. Click a tile, or move with the arrow keys and press Enter, to see the neuron.",
  tiles_gradients: "How the loss of the last batch changes with each of these weights: where a pixel is blue, a smaller weight would be better. Plain SGD moves the weight that way; an optimizer that remembers earlier batches, such as Adam, often moves it the other way.",
  layers: "How strongly the loss asks each layer to change. In deep sigmoid networks, gradients shrink towards the input, so plain SGD is slow there.",
  gradient_norm: "The length of the gradient of all weights and biases of this layer: the root of the sum of its squares. The bar is logarithmic, seven powers of ten long.",
  gradient_mean: "The average size of a derivative in this layer.",
  weight_norm: "The length of all weights of this layer, taken as one vector. It usually grows as the network becomes more confident.",
  biases: "The smallest, mean and largest bias. A neuron adds its bias to its sum, whatever its inputs are.",
  silent: "For ReLU, the share of neurons that output 0 for this image; for sigmoid, the share of saturated ones, so close to 0 or 1 that almost no gradient passes. A saturated output that is right is no problem.",
  confusion: "Rows are the right classes, columns the network's answers; right answers are on the diagonal. Choose a cell to see its images.",
  learning_rate: "How far each step goes, from the next step on. A small rate learns slowly; a large one overshoots, and the network may never recover.",
  speed: "The most steps per second. Slow is for watching, unlimited for training.",
  batch_size: "How many images are averaged before the weights move, from the next step on. Small batches are noisy, but the weights move more often.",
  optimizer: "SGD goes straight against the gradient; Adam gives every weight its own step length, computed from its earlier gradients. A newly chosen optimizer begins with its own learning rate and settings, and without memory.",
  epoch_target: "Training stops when the network has seen the whole training set this many times. If this is empty, training goes on until you pause it.",
  draw: "Draw with the mouse, a finger or the keyboard: arrow keys move the pen, Space lowers and lifts it. The network answers while you draw, even while it is learning.",
  pad: "Draw as large or as small as you like: “centre it” prepares a drawing in the way the digits of MNIST were prepared.",
  pad_undo: "Removes the last stroke. Ctrl+Z does the same.",
  pad_clear: "Empties the pad. The Delete key does the same.",
  centre: "Scales the drawing to 20 pixels and moves its centre of mass to the middle, as was done with the digits of MNIST. Switch it off and draw in a corner to see why it matters.",
  seen: "The 28 × 28 pixels that the network actually gets.",
  preset: "A network with a tested recipe, built at once from the seed below. The page begins with 784-100-10, because a single hidden layer is easy to follow; train.py begins with the more accurate 784-128-64-10.",
  activation: "The function that a hidden neuron applies to its sum. ReLU replaces negative sums by 0; sigmoid squeezes every sum to between 0 and 1.",
  seed: "The number that determines the first weights and the order of the images. The same seed gives the same training, to the last bit.",
  restart: "Builds the same network from this seed, at step 0.",
  random_start: "Builds the same network from a new random seed, at step 0.",
  download: "Saves the network as it is now, as a JSON file that evaluate.py and train.py can read.",
  upload: "Replaces this network by one that was saved here or by train.py.",
};

const MARGIN = 8; // pixels
const PATIENCE = 450; // milliseconds that the pointer rests before a text appears; for the keyboard it appears at once
const bubble = byId("explanation");
let shownFor = null;
let waiting = null;
let done = null; // what was clicked: its text does not appear again until the pointer has left it

/** Choose the text that depends on the network. */
export function setOutputKind(kind) {
  TEXTS.outputs = kind === "probability" ? TEXTS.outputs_probability : TEXTS.outputs_output;
}

/** Show a text for an element, or for a place on it: `box`, in the window. */
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

/** Call `tell` with the element that is pointed at (soon) or focused (at once). A click's own focus needs no text. */
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

  /** Explain the parts of an element: `about` gives the text of the part that is pointed at or focused. */
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
