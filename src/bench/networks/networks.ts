/** Networks that nobody tuned anything for: random weights, through the project's own export and conversion. */

import { convertGraph } from '../../conversion/convert.ts';
import type { FloatGraph } from '../../conversion/float/graph.ts';
import { pattern } from '../../conversion/golden.ts';
import { prepareModel } from '../../conversion/prepare.ts';
import type { IntegerGraph } from '../../model/graph.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { resnet18 } from './resnet18.ts';
import { vgg } from './vgg.ts';

const CLASSES = 7;
/** Cells of the random grids from which the images are drawn that the conversion calibrates on. */
const CALIBRATION_GRIDS = [4, 24];

const BUILDERS = { 'mobilenet-v2': mobilenetV2, 'resnet-18': resnet18, vgg } as const;
export type NetworkName = keyof typeof BUILDERS;
export const NETWORK_NAMES = Object.keys(BUILDERS).filter((name): name is NetworkName => name in BUILDERS);

export interface BenchNetwork {
  /** For example `resnet-18 at 64`. */
  readonly name: string;
  /** Side of the square input, pixels. */
  readonly side: number;
  readonly onnx: Uint8Array;
  /** Equal to the ONNX model, batch norms folded. */
  readonly float: FloatGraph;
  readonly integer: IntegerGraph;
}

/** @param side of the square RGB image, pixels; a multiple of 32 */
export async function buildNetwork(network: NetworkName, side: number): Promise<BenchNetwork> {
  const name = `${network} at ${side}`;
  const onnx = await BUILDERS[network](side, CLASSES);
  const prepared = await prepareModel(onnx, `${name}.onnx`);
  const images = CALIBRATION_GRIDS.map((cells, seed) => pattern([side, side, 3], cells, seed));
  const calibration = { images, sha256: '', refused: [] };
  const { graph: integer } = await convertGraph(prepared, calibration, {
    scheme: 'per-channel',
    classes: Array.from({ length: CLASSES }, (_, i) => `class ${i}`),
  });
  return { name, side, onnx, float: prepared.folded, integer };
}
