/**
 * Akida 2.0 (FPGA or licensed IP): 8 bits, add, concatenation, depthwise, table-driven activations; no element-wise
 * multiply.
 */
import type { GraphNode, Shape } from '../../model/graph.ts';
import type { TargetRules } from './target.ts';

const KERNELS: readonly number[] = [1, 3, 5, 7];
const LARGEST_STRIDE = 2;
const LARGEST_INPUT_STRIDE = 3;

export const AKIDA2: TargetRules = {
  mapped: 'chip',
  bits: 8,
  reasonsAgainst(node, { inputShape, isFirst }) {
    switch (node.op) {
      case 'convolution': {
        const largest = isFirst ? LARGEST_INPUT_STRIDE : LARGEST_STRIDE;
        const channels = inputShape[2];
        const grouped = node.groups > 1 && node.groups !== channels;
        return [
          ...(grouped ? ['grouped convolution other than depthwise'] : []),
          ...windowReasons(node, largest),
        ];
      }
      case 'multiply':
        return ['Akida 2.0 has no element-wise multiply; only constant gates fold into weights'];
      case 'averagePool':
        return averagePoolReasons(node, inputShape);
      case 'maxPool':
        return node.kernel[0] === 2 && node.kernel[1] === 2
          ? []
          : [`max pool ${node.kernel.join('×')}, only 2×2`];
      case 'pad':
        return ['no border of its own; only "same" padding within a convolution'];
      case 'select':
        return ['Akida 2.0 has no choice of rows, columns or channels'];
      case 'extremum':
      case 'channelMaximum':
        return ['Akida 2.0 compares within max pools only'];
      default:
        return [];
    }
  },
  reasonsAgainstHead: () => [],
};

function windowReasons(
  { kernel, stride }: Extract<GraphNode, { op: 'convolution' }>,
  largestStride: number,
): string[] {
  return [
    ...(kernel[0] === kernel[1] && KERNELS.includes(kernel[0])
      ? []
      : [`kernel ${kernel.join('×')} is not one of ${KERNELS.join(', ')}`]),
    ...(stride[0] === stride[1] && stride[0] <= largestStride
      ? []
      : [`stride ${stride.join('×')} exceeds ${largestStride}`]),
  ];
}

function averagePoolReasons(
  { kernel }: Extract<GraphNode, { op: 'averagePool' }>,
  [height, width]: Shape,
): string[] {
  return kernel[0] === height && kernel[1] === width
    ? []
    : [`average pool ${kernel.join('×')}, only over the whole map`];
}
