/**
 * Operators that training needs beside tfjs's own, each with its gradient. On the `torch` backend each runs as one native
 * kernel; on any other the plain tfjs version of the same formula runs, which is also what the native one is tested against.
 */
export {
  type AdamWSettings,
  type AdamWSlot,
  adamWStep,
  adamWStepPlain,
} from './operators/adamw.ts';
export {
  type BatchNormalised,
  batchNormTraining,
  batchNormTrainingPlain,
} from './operators/batch-normalisation.ts';
export { dropout, dropoutPlain } from './operators/dropout.ts';
export {
  type FakeQuantiseOptions,
  fakeQuantise,
  fakeQuantisePlain,
} from './operators/fake-quantise.ts';
