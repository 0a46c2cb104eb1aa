// What the picture of the network shows at a moment. A step with one example is a scene in four beats: the guess, from
// left to right; the error at the outputs; the blame, from right to left; and the update of the weights.

export const BEATS = ["guess", "error", "blame", "update"];
export const [WEIGHT, FLOW, GRADIENT, CHANGE] = [2, 3, 4, 5]; // places in an edge: [unit, inputs, …]

const clamp = (x) => Math.max(0, Math.min(1, x));
const all = () => 1;

/** The network as it is now, in the forward pass: `part` says what the lines show. */
export const forwardScene = ({ frame }, part) => ({ ...plain(frame), way: "forward", part, outputs: frame.example.outputs });

/** The backward pass of the image on the stage: δ in the neurons, and the slopes of its own loss as lines. */
export const backwardScene = ({ frame }) => ({ ...plain(frame), way: "backward", part: GRADIENT, outputs: null });

const plain = ({ example, layers }) => ({ example, layers, reveal: all, errors: 0, moved: 0 });

/** The step that has just been taken, at `beat` from 0 to 4. */
export function lessonScene({ frame, beat, settings }) {
  const { before, layers: after } = frame;
  const number = Math.min(BEATS.length - 1, Math.floor(beat));
  const passed = beat - number;
  const { example, layers } = before;
  const errorsAre = example.outputs.map((p, i) => p - Number(settings.classes[i] === example.label)); // p − t
  const scene = { name: BEATS[number], example, layers, reveal: all, errors: 0, moved: 0, outputs: example.outputs, errorsAre };
  const columns = layers.length + 1;
  if (number === 0) return { ...scene, way: "forward", part: WEIGHT, reveal: (l) => clamp(passed * columns * 1.1 - l) };
  if (number === 1) return { ...scene, way: "forward", part: WEIGHT, errors: clamp(passed * 2) };
  if (number === 2) return { ...scene, way: "backward", part: GRADIENT, errors: 1, reveal: (l) => clamp(passed * columns * 1.1 - (layers.length - 1 - l)) };
  const outputs = example.outputs.map((p, i) => p + passed * (frame.example.outputs[i] - p));
  return { ...scene, way: "forward", part: WEIGHT, layers: after, moved: passed, outputs };
}
