import { describeError, SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { readBundle } from '../../model/bundle/read.ts';
import type { Activation } from '../../updates/install/activation.ts';
import { DEFAULT_MODEL } from '../engine/shipped-models.ts';
import { type CarryOptions, carryLearning } from '../learning/carry.ts';

export interface AlongOptions
  extends Required<Pick<CarryOptions, 'folder' | 'journal' | 'say' | 'onSetAside' | 'mayHaveTaught'>> {
  readonly activation: Activation;
  /** What reads in this start. */
  readonly bundle: ModelBundle;
}

/**
 * Where this start tries another model, takes along what was learned with the one before, or leaves it where that finds it
 * again. What cannot be taken along keeps no device from reading.
 */
export async function takeLearningAlong({ activation, bundle, ...options }: AlongOptions): Promise<void> {
  const tried = await activation.tried('model');
  if (tried === null) return;
  try {
    const from = await readBundle(tried.before ?? DEFAULT_MODEL);
    const mode = tried.occupant.learning ?? 'refit';
    await carryLearning({ ...options, from, to: bundle, mode, by: 'update' });
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    options.say(`What was learned with the model before is left as it is: ${describeError(error)}`);
  }
}
