import { composeAndFold } from '../../conversion/compose/choose.ts';
import { floatGraphOf } from '../../conversion/float/architecture.ts';
import { answeringArrays, type Checkpoint } from '../../model/checkpoint/format.ts';
import { architectureOf } from '../network/folded.ts';
import { planQuantisation } from '../network/plan.ts';

const EIGHT_BITS = { activations: 8, weights: 8, firstWeights: 8 } as const;

/**
 * A network with a quantised head: the checkpoint itself where it was trained quantised, else folded and with the
 * converter's own calibration, eight bits.
 * @param images training images, raw bytes; asked for where they are needed
 */
export async function withQuantisation(
  checkpoint: Checkpoint,
  images: () => Promise<readonly Uint8Array[]>,
): Promise<Checkpoint> {
  if (checkpoint.quantisation !== null) return checkpoint;
  const graph = composeAndFold(floatGraphOf(checkpoint.architecture, answeringArrays(checkpoint)), 'auto');
  const { architecture, parameters } = architectureOf(graph, checkpoint.architecture.name);
  const settings = { bits: EIGHT_BITS, learnActivationSteps: false };
  const { quantisation, steps } = await planQuantisation(
    graph,
    architecture,
    parameters,
    await images(),
    settings,
  );
  return {
    ...checkpoint,
    architecture,
    parameters: new Map([...parameters, ...steps]),
    statistics: new Map(),
    averages: null,
    quantisation,
    optimiser: null,
  };
}
