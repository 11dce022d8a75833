/** Everything about a conversion that needs no images: import, normalisation, composition, folding. */
import { RefusedError } from '../errors.ts';
import { separateImage } from './calibration/groups.ts';
import { composeAndFold, type GhostPolicy } from './compose/choose.ts';
import { withExactMean } from './compose/exact-mean.ts';
import type { FloatGraph, FloatNode } from './float/graph.ts';
import { type CheckpointArrays, type FloatSource, importSource } from './float-source.ts';
import { withFunctions } from './fold/function.ts';
import { type Normalisation, withNormalisation } from './fold/input.ts';
import type { OnnxOptions } from './onnx/import.ts';
import { type PlacedQuantisation, placed, settledBy } from './quantise/stated.ts';
import { refuseSecondNormalisation } from './scrutiny/image-range.ts';
import { withTwoClasses } from './two-classes.ts';

/** Largest side that a bundle's preprocessing may have. */
const MAXIMUM_SIDE = 1024;

export interface PreparedModel {
  readonly imported: FloatSource;
  /** Equal to the imported graph; every node has an integer form. */
  readonly folded: FloatGraph;
  /** What an ONNX file that is quantised already says of the folded graph; null of a float model. */
  readonly stated: PlacedQuantisation | null;
  /** What the caller said of the image’s scale. */
  readonly normalisation?: Normalisation;
  readonly nodesNeedingDequantisation: readonly string[];
}

export interface PreparationOptions extends OnnxOptions {
  readonly normalisation?: Normalisation;
  /** Default `auto`; `keep` for a network that was trained quantised, whose tensors are settled. */
  readonly ghost?: GhostPolicy;
  /** Whether a mean before the answer becomes part of the head; default false. */
  readonly exactMean?: boolean;
  readonly arrays?: CheckpointArrays;
}

/**
 * @throws RefusedError `ONNX_*`, `CHECKPOINT_*`; `INPUT_SHAPE` unless the image is square and RGB; `INPUT_NORMALISATION`,
 * also where the network normalises the image itself; `ONNX_OUTPUTS` where one number is no answer;
 * `NEEDS_DEQUANTISATION` naming the nodes that integers cannot compute
 */
export async function prepareModel(
  contents: Uint8Array,
  file: string,
  { normalisation, ghost = 'auto', exactMean = false, arrays, ...onnx }: PreparationOptions = {},
): Promise<PreparedModel> {
  const imported = withTwoClasses(await importSource(contents, file, arrays, onnx), file);
  requireSquareRgb(imported.graph, file);
  if (normalisation !== undefined) refuseSecondNormalisation(imported, normalisation, file);
  const recognised = withFunctions(imported.graph);
  const normalised = normalisation === undefined ? recognised : withNormalisation(recognised, normalisation);
  const isSettled = imported.quantisation !== null || imported.stated !== null;
  const composed = composeAndFold(normalised, isSettled ? 'keep' : ghost);
  const folded = separateImage(exactMean && !isSettled ? withExactMean(composed) : composed);
  const nodesNeedingDequantisation = folded.nodes.filter(needsDequantisation).map(({ name }) => name);
  if (nodesNeedingDequantisation.length > 0) {
    throw new RefusedError(
      'NEEDS_DEQUANTISATION',
      'Parts of the network would have to run in floating point',
      {
        file,
        node: nodesNeedingDequantisation.join(', '),
        received: `${nodesNeedingDequantisation.length} of ${folded.nodes.length} nodes`,
        remedy: 'replace these parts and retrain; docs/use/conversion.md lists what has an integer form',
      },
    );
  }
  const stated = imported.stated === null ? null : placed(folded, imported.stated);
  const settled = stated === null ? null : settledBy(stated);
  return {
    imported: settled === null ? imported : { ...imported, quantisation: settled },
    folded,
    stated,
    nodesNeedingDequantisation,
    ...(normalisation && { normalisation }),
  };
}

/** Steps that were not folded, and parameters that left the finite numbers when they were. */
function needsDequantisation(node: FloatNode): boolean {
  switch (node.op) {
    case 'affine':
    case 'clamp':
      return true;
    case 'convolution':
    case 'dense':
      return !(node.weights.every(Number.isFinite) && node.bias.every(Number.isFinite));
    default:
      return false;
  }
}

function requireSquareRgb({ inputShape }: FloatGraph, file: string): void {
  const [height, width, channels] = inputShape;
  if (height === width && channels === 3 && height <= MAXIMUM_SIDE) return;
  throw new RefusedError('INPUT_SHAPE', 'The device feeds square RGB images', {
    file,
    expected: `[N, 3, side, side], channels first, side at most ${MAXIMUM_SIDE}`,
    received: `[N, ${channels}, ${height}, ${width}]`,
    remedy: 'export with channels first and a square input, or train on square images',
  });
}
