/** Means, sums and extremes over rows, columns and channels. */
import { RefusedError } from '../../../errors.ts';
import { type FloatNode, NO_PADDING } from '../../float/graph.ts';
import { type Activation, type ImportContext, type NodeDraft, type Operation, shapeOf } from '../context.ts';

type Reduction = 'mean' | 'sum' | 'maximum' | 'minimum';

export const importReduction =
  (kind: Reduction) =>
  (operation: Operation, context: ImportContext): void => {
    const input = context.activation(operation, 0);
    const rank = input.dims.length;
    const axes = reducedAxes(operation, context, rank);
    const keep = operation.attributes.integer('keepdims', 1) === 1;
    const dims = input.dims.flatMap((extent, axis) => {
      if (!axes.includes(axis)) return [extent];
      return keep ? [1] : [];
    });
    const isReducible =
      axes.length > 0 &&
      axes.every((axis) => axis >= 1 && axis < rank) &&
      (rank === 4 || input.order === null) &&
      hasForm(input, axes, keep);
    if (!isReducible) {
      throw new RefusedError('ONNX_ATTRIBUTE', `${operation.node.opType} over axes that it cannot go over`, {
        node: operation.label,
        field: 'axes',
        expected: 'rows and columns (2, 3), or the channels (1) with keepdims',
        received: axes.join(', ') || 'all',
      });
    }
    const negated = kind === 'minimum' ? scaled(operation, context, input, -1) : input;
    const channels = axes.includes(1) ? overChannels(operation, context, negated, kind) : negated;
    const kernel = [2, 3].map((axis) => (axes.includes(axis) ? (input.dims[axis] ?? 1) : 1));
    const pooled = overPixels(operation, context, channels, kernel, kind);
    const factor = kind === 'minimum' ? -1 : kind === 'sum' ? kernel[0] * kernel[1] : 1;
    const result = scaled(operation, context, pooled, factor);
    context.alias(operation, { ...result, dims, order: null });
  };

/** What is left must be a map, or a vector per image. */
function hasForm({ dims }: Activation, axes: readonly number[], keep: boolean): boolean {
  if (keep) return true;
  if (axes.includes(1)) return false;
  return dims.slice(2).every((extent, i) => axes.includes(i + 2) || extent === 1);
}

function reducedAxes(operation: Operation, context: ImportContext, rank: number): number[] {
  const listed =
    operation.attributes.integers('axes') ??
    ((operation.node.input[1] ?? '') === '' ? [] : Array.from(context.constant(operation, 1).values));
  return listed.map((axis) => (axis < 0 ? axis + rank : axis));
}

function overChannels(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  kind: Reduction,
): Activation {
  const [height, width, channels] = shapeOf(input.dims);
  const dims = input.dims.map((extent, axis) => (axis === 1 ? 1 : extent));
  const draft: NodeDraft =
    kind === 'mean' || kind === 'sum'
      ? {
          op: 'convolution',
          input: input.name,
          kernel: [1, 1],
          stride: [1, 1],
          padding: NO_PADDING,
          groups: 1,
          paddingValues: null,
          weights: new Float64Array(channels).fill(kind === 'mean' ? 1 / channels : 1),
          bias: new Float64Array(1),
          clamp: null,
        }
      : { op: 'channelMaximum', input: input.name };
  return { name: context.append(operation, draft, [height, width, 1]), dims, order: null };
}

function overPixels(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  kernel: readonly number[],
  kind: Reduction,
): Activation {
  if (kernel[0] * kernel[1] === 1) return input;
  const [height, width, channels] = shapeOf(input.dims);
  const window = {
    input: input.name,
    kernel: [kernel[0], kernel[1]],
    stride: [1, 1],
    padding: NO_PADDING,
  } as const;
  const draft: NodeDraft =
    kind === 'mean' || kind === 'sum'
      ? { op: 'averagePool', ...window, countPadding: false, clamp: null }
      : { op: 'maxPool', ...window };
  const shape = [height - kernel[0] + 1, width - kernel[1] + 1, channels] as const;
  const name = context.append(operation, draft, shape);
  return { name, dims: [1, channels, shape[0], shape[1]], order: null };
}

function scaled(operation: Operation, context: ImportContext, input: Activation, factor: number): Activation {
  if (factor === 1) return input;
  const shape: FloatNode['shape'] = shapeOf(input.dims);
  const scale = new Float64Array(shape[2]).fill(factor);
  const draft = { op: 'affine', input: input.name, scale, offset: new Float64Array(shape[2]) } as const;
  return { ...input, name: context.append(operation, draft, shape) };
}
