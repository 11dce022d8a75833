/** Why a layer stays far below the peak: what follows from its shape, in the order of what binds first. */
import { type GraphNode, type IntegerGraph, inputsOf, tensorsOf } from '../model/graph.ts';
import type { MachineLimits } from './limits.ts';

/** Below this many nanoseconds a layer is over before loops, sums and their ends have paid for themselves. */
const SHORT = 3000;
/** Output pixels for which loading a weight is not worth much. */
const FEW_PIXELS = 16;
/** Four values share one instruction of the dot product. */
const DOT_PRODUCT = 4;

interface MeasuredLayer {
  readonly nodes: readonly GraphNode[];
  readonly graph: IntegerGraph;
  readonly multiplyAdds: number;
  readonly bytes: number;
  readonly nanoseconds: number;
}

/** @param peak multiply-adds per second */
export function reasonFor(
  { nodes, graph, multiplyAdds, bytes, nanoseconds }: MeasuredLayer,
  peak: number,
  { bandwidths }: MachineLimits,
): string {
  const tensors = tensorsOf(graph);
  const main = nodes.find(({ op }) => op === 'convolution');
  const channels = main === undefined ? 0 : (tensors.get(inputsOf(main)[0])?.shape[2] ?? 0);
  const beside = nodes.filter(({ op }) => op !== 'convolution' && op !== 'dense');
  const cache = bandwidths.find(({ place }) => place === 'second-level cache');
  const reachable = ((multiplyAdds / bytes) * (cache?.bytesPerSecond ?? Number.POSITIVE_INFINITY)) / peak;
  if (main?.op === 'convolution' && main.groups > 1 && main.groups === channels) {
    const taps = main.kernel[0] * main.kernel[1];
    return `depthwise: each value loaded meets ${taps} weights only, so that loading and arranging values binds`;
  }
  if (reachable < 0.5) {
    return `${(multiplyAdds / bytes).toFixed(0)} multiply-adds per byte: the second-level cache gives bytes for ${(100 * reachable).toFixed(0)} % of the peak`;
  }
  if (main !== undefined && channels > 0 && channels < DOT_PRODUCT) {
    return `${channels} input channels: rows of a window are gathered before they fill a dot product`;
  }
  if (nanoseconds < SHORT) {
    return `${(nanoseconds / 1e3).toFixed(1)} µs: too short for starting loops and requantising to pay`;
  }
  const pixels = main === undefined ? 0 : main.output.shape[0] * main.output.shape[1];
  if (pixels > 0 && pixels <= FEW_PIXELS) {
    return `${pixels} pixels: each weight that is loaded serves ${pixels} values only, some of them in the border`;
  }
  if (beside.length > 0) {
    return `computed together with ${beside.map(({ op }) => op).join(', ')}, whose time counts and whose work does not`;
  }
  const perOutput = main === undefined ? 0 : multiplyAdds / outputsOf(main);
  if (perOutput > 0 && perOutput <= 64) {
    return `${perOutput.toFixed(0)} multiply-adds per value: requantising and storing it costs about as much`;
  }
  return 'not explained by its shape';
}

function outputsOf({ output: { shape } }: GraphNode): number {
  return shape[0] * shape[1] * shape[2];
}
