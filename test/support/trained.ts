/** Checkpoints as quantisation-aware training leaves them, without the hours of training. */

import { separateImage } from '../../src/conversion/calibration/groups.ts';
import { composeAndFold } from '../../src/conversion/compose/choose.ts';
import { floatGraphOf } from '../../src/conversion/float/architecture.ts';
import type { Architecture } from '../../src/model/architecture/architecture.ts';
import type { Checkpoint, NamedArray } from '../../src/model/checkpoint/format.ts';
import { architectureOf } from '../../src/training/network/folded.ts';
import { type Bits, planQuantisation, settledQuantisation } from '../../src/training/network/plan.ts';
import { randomArrays, randomCheckpoint } from './architectures.ts';
import { Random } from './random.ts';

/**
 * A network folded, planned on `images`, and moved by `drift` of every weight's size, as steps of an optimiser would.
 * Learned steps move too.
 */
export async function quantisedCheckpoint(
  architecture: Architecture,
  images: readonly Uint8Array[],
  bits: Bits,
  drift = 0.02,
): Promise<Checkpoint> {
  const folded = separateImage(
    composeAndFold(floatGraphOf(architecture, randomArrays(architecture)), 'auto'),
  );
  const { architecture: network, parameters } = architectureOf(folded, architecture.name);
  const { quantisation, steps } = await planQuantisation(folded, network, parameters, images, {
    bits,
    learnActivationSteps: true,
  });
  const random = new Random(11);
  const moved = new Map(
    Array.from([...parameters, ...steps], ([name, { shape, values }]): [string, NamedArray] => [
      name,
      { shape, values: values.map((value) => value * (1 + drift * (2 * random.next() - 1))) },
    ]),
  );
  return {
    ...randomCheckpoint(),
    architecture: network,
    parameters: moved,
    statistics: new Map(),
    averages: null,
    quantisation: settledQuantisation(quantisation, moved),
    optimiser: null,
  };
}
