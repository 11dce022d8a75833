/** Reads what the scope of a bundle is fitted on, and fits it. */
import type { Sample } from '../../dataset/dataset.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { pyramidLevels } from '../../model/bundle/scope-section.ts';
import { embeddingShape, MAXIMUM_PLACES } from '../../model/embedding.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { limitSamples } from '../evaluate.ts';
import { FeatureReader } from './features.ts';
import { fitScope, LEAST, type ScopeFit } from './fit.ts';
import { NOTHING_KINDS } from './nothing/kinds.ts';

/** Training captures that are read at most, and frames of nothing of each kind. */
const TRAINING_IMAGES = 2500;
const FRAMES_OF_A_KIND = 60;
/** Of the frames that fit; `evaluate` draws others. */
const SEED = 1;

export interface ScopeSamples {
  readonly training: readonly Sample[];
  /** Which the network never learned from. */
  readonly validation: readonly Sample[];
}

/** What there is to read; null where that is too little, or the network's input or embedding does not suit. */
export function scopeSamples(
  { graph, preprocessing }: Pick<ModelBundle, 'graph' | 'preprocessing'>,
  { training, validation }: ScopeSamples,
): (ScopeSamples & { readonly frames: number }) | null {
  const [rows, columns] = embeddingShape(graph);
  if (pyramidLevels(preprocessing.width) === 0 || rows * columns > MAXIMUM_PLACES) return null;
  if (training.length < LEAST.training || validation.length < LEAST.validation) return null;
  const chosen = limitSamples(training, TRAINING_IMAGES);
  const frames = chosen.length + validation.length + NOTHING_KINDS.length * FRAMES_OF_A_KIND;
  return { training: chosen, validation, frames };
}

/** @throws as the engine's `infer` */
export async function calibrateScope(
  bundle: ModelBundle,
  engine: Engine,
  { training, validation }: ScopeSamples,
  onFrame: () => void,
): Promise<ScopeFit | null> {
  const reader = new FeatureReader(bundle, engine);
  return fitScope({
    training: await reader.readSamples(training, SEED, onFrame),
    // Seeds of their own: no capture of one is changed as one of the other.
    validation: await reader.readSamples(validation, SEED + training.length, onFrame),
    nothing: await reader.readNothing(FRAMES_OF_A_KIND, SEED, onFrame),
  });
}
