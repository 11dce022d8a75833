/** Networks of random weights, converted for Akida 1.0. */
import { convert } from '../../src/conversion/convert.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { FOUR_BITS } from '../../src/conversion/quantise/precision.ts';
import type { Target } from '../../src/conversion/targets/check.ts';
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import { checkpointBytes } from '../../src/model/checkpoint/file.ts';
import { type QanaAkd1000Options, qanaAkd1000 } from '../../src/model/networks/qana-akd1000.ts';
import { randomCheckpoint } from './architectures.ts';
import { phantomInputs } from './phantoms.ts';

/** The kind of `qana-akd1000` in small: every sort of layer that it has. */
export const SMALL_AKIDA1 = { inputSize: 16, widths: [8, 12, 10], classes: 3 } as const;

export async function randomAkida1(
  options: Partial<QanaAkd1000Options> = SMALL_AKIDA1,
  { target = 'akd1000', seed = 1 }: { target?: Target; seed?: number } = {},
): Promise<ModelContents> {
  const architecture = qanaAkd1000(options);
  const classes = Array.from({ length: options.classes ?? 7 }, (_, i) => `class${i}`);
  const bytes = checkpointBytes({ ...randomCheckpoint(architecture, seed), classes, quantisation: null });
  const prepared = await prepareModel(bytes, 'random.checkpoint');
  return convert(
    prepared,
    bytes,
    { images: phantomInputs(3, architecture.inputShape[0]), sha256: '0'.repeat(64), refused: [] },
    {
      name: 'random',
      version: '1.0.0',
      sourceName: 'random.checkpoint',
      scheme: 'per-channel',
      precision: FOUR_BITS,
      target,
    },
  );
}
