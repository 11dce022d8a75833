/**
 * Channel shuffles as exporters spell them: channels split into two axes, those swapped, and joined again. Between, the
 * tensor has five axes, which no other operator sees.
 */
import { RefusedError } from '../../../errors.ts';
import { everything } from '../../float/graph.ts';
import type { ChannelGrid, ImportContext, Operation } from '../context.ts';
import { remedyFor } from '../remedies.ts';
import { choose } from './choice.ts';
import { importReshape, reshapedDims } from './shape.ts';

/** Reshape: also to such a grid, and back. */
export function importAnyReshape(operation: Operation, context: ImportContext): void {
  const [tensor] = operation.node.input;
  const grid = context.grids.get(tensor);
  if (grid !== undefined) {
    joinGrid(operation, context, grid);
    return;
  }
  const input = context.findActivation(tensor);
  if (input?.dims.length === 4 && input.order === null) {
    const [, channels, height, width] = input.dims;
    const dims = reshapedDims(operation, context, input.dims);
    const [batch, first, second, ...pixels] = dims;
    const splits = batch === 1 && first * second === channels && pixels.length === 2;
    if (splits && pixels[0] === height && pixels[1] === width) {
      context.grids.set(operation.node.output[0], { of: tensor, dims, channels: everything(channels) });
      return;
    }
  }
  importReshape(operation, context);
}

function joinGrid(operation: Operation, context: ImportContext, { of, dims, channels }: ChannelGrid): void {
  const input = context.findActivation(of);
  const wanted = reshapedDims(operation, context, dims);
  const [, , , height, width] = dims;
  const joins =
    wanted.length === 4 && wanted[1] === channels.length && wanted[2] === height && wanted[3] === width;
  if (!joins || input === undefined) {
    throw new RefusedError('ONNX_SHAPE', 'A channel shuffle ends as a map of the same size', {
      node: operation.label,
      expected: `[N, ${channels.length}, ${height}, ${width}]`,
      received: `[${wanted.join(', ')}]`,
    });
  }
  choose(operation, context, input, new Map([[1, [...channels]]]));
}

/** Transpose of the two axes of such a grid. */
export function importGridTranspose(operation: Operation, context: ImportContext): void {
  const grid = context.grids.get(operation.node.input[0]);
  const order = operation.attributes.integers('perm')?.join(',');
  if (grid === undefined || order !== '0,2,1,3,4') {
    throw new RefusedError('ONNX_OPERATOR', 'Transpose has no integer form', {
      node: operation.label,
      received: 'Transpose',
      remedy: remedyFor('Transpose'),
    });
  }
  const [batch, first, second, height, width] = grid.dims;
  context.grids.set(operation.node.output[0], {
    of: grid.of,
    dims: [batch, second, first, height, width],
    channels: Int32Array.from(
      grid.channels,
      (_, i) => grid.channels[(i % first) * second + Math.floor(i / first)],
    ),
  });
}
