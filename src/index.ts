/**
 * spikescope for other programs: read lesions with a model bundle, without the command line, the appliance or the network.
 *
 * ```ts
 * const { bundle, engine } = await openModel();
 * const classifier = createClassifier(bundle, engine);
 * const { reading } = await classifier.classify('lesion.jpg');
 * await engine.close();
 * ```
 *
 * What is not exported here may change with any version. Every error that is thrown on purpose is a `SpikescopeError`.
 *
 * @packageDocumentation
 */
export {
  type FaultDetails,
  type FaultLocation,
  RefusedError,
  SpikescopeError,
  UsageError,
} from './errors.ts';
export type { Frame, RgbFrame, Square, YuvFrame } from './frame.ts';
export type { ModelBundle, ModelIdentity } from './model/bundle/bundle.ts';
export { readBundle } from './model/bundle/read.ts';
export type { Inference } from './model/inference.ts';
export type { Quality, RetakeReason } from './preprocess/quality.ts';
export type { BackendName, Engine, EngineOptions, InferOptions } from './runtime/engine/contract.ts';
export { type OpenModel, openModel } from './runtime/engine/open-model.ts';
export {
  type Classification,
  type Classifier,
  type ClassifierOptions,
  createClassifier,
} from './runtime/inference/classifier.ts';
export type { HeadInput, LearnedHead } from './runtime/inference/head.ts';
export type { Reading, ReadingReason, Timings } from './runtime/inference/reading.ts';
