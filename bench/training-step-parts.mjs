/** A training of QANA to measure, on whichever backend is active. */

// Before anything loads OpenMP: threads that spin take the processor from each other.
process.env.OMP_WAIT_POLICY = 'passive';

const { prepare } = await import('../scripts/prepare.mjs');
await prepare();
export const tf = await import('@tensorflow/tfjs-core');
export const { useBackend } = await import('../dist/training/backend/backend.js');
export const { torchAddon } = await import('../dist/training/backend/torch/addon.js');
const { qana } = await import('../dist/model/networks/qana.js');
const { initialArrays } = await import('../dist/training/network/initialise.js');
const { startingState, Trainee } = await import('../dist/training/trainer/trainee.js');

export const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** @returns `step` takes one training step of `images` images; `parameters` is their number */
export function training(images, side) {
  const architecture = qana({ inputSize: side });
  const { parameters, statistics } = initialArrays(architecture, 1);
  const trainee = new Trainee(architecture, startingState(parameters, statistics), {
    weightDecay: 0.01,
    optimiser: 'adamw',
    quantisation: null,
  });
  const pixels = tf.randomUniform([images, side, side, 3], 0, 1, 'float32', 1);
  const classes = tf.tensor1d(
    Array.from({ length: images }, (_, i) => i % 7),
    'int32',
  );
  const labels = tf.oneHot(classes, 7);
  const lossOf = (logits) => tf.losses.softmaxCrossEntropy(labels, logits, undefined, 0.1);
  const settings = { learningRate: 1e-3, averageDecay: 0.999, seed: 1 };
  const sizes = Array.from(parameters.values(), ({ values }) => values.length);
  return {
    step: () => trainee.step(pixels, lossOf, settings),
    parameters: sizes.reduce((all, size) => all + size, 0),
  };
}
