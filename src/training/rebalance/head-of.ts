/** The head within a checkpoint. */
import { UsageError } from '../../errors.ts';
import { embeddingOf } from '../../model/architecture/architecture.ts';
import { type Arrays, answeringArrays, type Checkpoint } from '../../model/checkpoint/format.ts';
import type { Head, HeadQuantisation } from '../head/train-head.ts';
import { settledQuantisation } from '../network/plan.ts';
import { weightStep } from '../network/quantiser.ts';

/**
 * The head as it answers, and how it rounds.
 * @throws UsageError `HEAD_NOT_QUANTISED` for a checkpoint without fake quantisation or without a dense head with bias
 */
export function headOf(checkpoint: Checkpoint): { head: Head; quantisation: HeadQuantisation } {
  const { architecture, quantisation } = checkpoint;
  const arrays = answeringArrays(checkpoint);
  const weights = arrays.get(`${architecture.output}/weights`);
  const bias = arrays.get(`${architecture.output}/bias`);
  const input = quantisation?.activations.get(embeddingOf(architecture) ?? '');
  const limit = quantisation?.weights.get(architecture.output)?.limit;
  if (weights === undefined || bias === undefined || input === undefined || limit === undefined) {
    throw new UsageError('HEAD_NOT_QUANTISED', 'This checkpoint has no quantised head to train', {
      node: architecture.output,
      expected: 'a network after quantised training, whose last layer is dense',
      remedy: 'give the checkpoint of a training whose recipe quantises',
    });
  }
  return { head: { weights, bias }, quantisation: { input, limit } };
}

/** The checkpoint with another head: a result, nothing to go on from. */
export function withHead(checkpoint: Checkpoint, { weights, bias }: Head): Checkpoint {
  const { architecture, quantisation } = checkpoint;
  const { output } = architecture;
  const limit = quantisation?.weights.get(output)?.limit;
  const replaced = (arrays: Arrays): Arrays => {
    const own = new Map(arrays).set(`${output}/weights`, weights).set(`${output}/bias`, bias);
    if (limit === undefined || !arrays.has(weightStep(output))) return own;
    const largest = weights.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    return own.set(weightStep(output), { shape: [1], values: Float32Array.of(Math.log(largest / limit)) });
  };
  const parameters = replaced(checkpoint.parameters);
  const averages = checkpoint.averages && replaced(checkpoint.averages);
  return {
    ...checkpoint,
    parameters,
    averages,
    quantisation: quantisation && settledQuantisation(quantisation, averages ?? parameters),
    optimiser: null,
  };
}
