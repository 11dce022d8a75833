/**
 * What a target does not take whatever the calibration says: found on one image that nobody must bring, and said at once.
 */
import { convertGraph } from '../../conversion/convert.ts';
import type { PreparedModel } from '../../conversion/prepare.ts';
import { checkTargets } from '../../conversion/targets/check.ts';
import type { ConvertOptions } from './options.ts';
import { requireTarget } from './target.ts';

/** Reasons that may look different with the scales of a whole calibration. */
const BY_SCALE = /need \d+ bits|bounded ReLU/;

/**
 * Nothing is said where the scales are settled already, since then no calibration makes anybody wait.
 * @throws RefusedError `TARGET_UNMAPPED`
 */
export async function refuseUnmappable(
  prepared: PreparedModel,
  { target, allowHost, perTensor, precision, classes }: ConvertOptions,
): Promise<void> {
  if (target === 'cpu' || allowHost || prepared.imported.quantisation !== null) return;
  const [height, width, channels] = prepared.folded.inputShape;
  const image = Uint8Array.from({ length: height * width * channels }, (_, i) => (i * 31) % 256);
  const { graph } = await convertGraph(
    prepared,
    { images: [image], sha256: '', refused: [] },
    { scheme: perTensor ? 'per-tensor' : 'per-channel', precision, ...(classes && { classes }) },
  );
  const targets = checkTargets(graph);
  const settled = targets[target].unmapped.flatMap(({ node, reason }) => {
    const reasons = reason.split('; ').filter((each) => !BY_SCALE.test(each));
    return reasons.length === 0 ? [] : [{ node, reason: reasons.join('; ') }];
  });
  const report = { maps: settled.length === 0, unmapped: settled };
  requireTarget({ targets: { ...targets, [target]: report } }, target, false);
}
