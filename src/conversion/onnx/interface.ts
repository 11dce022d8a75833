/** The model's face: operator set, the one image that goes in, stated shapes. */
import { RefusedError } from '../../errors.ts';
import type { Activation } from './context.ts';
import type { OnnxGraph, OnnxModel, OnnxValue } from './decode.ts';
import { isStandard } from './nodes.ts';
import { REAL_TYPES } from './tensor.ts';

export const OPSETS = { first: 9, last: 24 } as const;
const UINT8 = 2;
const CHANNELS = 3;

/** @throws RefusedError `ONNX_OPSET` */
export function opsetOf({ opsetImport }: OnnxModel): number {
  const version = opsetImport.find(isStandard)?.version ?? 0;
  if (version < OPSETS.first || version > OPSETS.last) {
    throw new RefusedError('ONNX_OPSET', 'The converter does not know this operator set', {
      expected: `opset ${OPSETS.first}…${OPSETS.last}`,
      received: `opset ${version}`,
      remedy: 'export with opset_version=17',
    });
  }
  return version;
}

/** The image as the network takes it. */
export interface ImageInput {
  readonly name: string;
  /** [1, C, H, W], or [1, H, W, C] where the channels are last. */
  readonly dims: readonly number[];
  readonly isChannelsLast: boolean;
  /** Whether values are bytes, 0…255, and not 0…1. */
  readonly isBytes: boolean;
  /** Images that go in at once. */
  readonly batch: number;
}

/**
 * @param side height and width, where the file leaves them open
 * @throws RefusedError `ONNX_INPUTS`, `ONNX_DATA_TYPE`, `ONNX_DYNAMIC_SHAPE`
 */
export function imageInput(graph: OnnxGraph, side?: number): ImageInput {
  const stored = new Set(graph.initializer.map(({ name }) => name));
  const inputs = graph.input.filter(({ name }) => !stored.has(name));
  if (inputs.length !== 1) {
    throw new RefusedError('ONNX_INPUTS', 'The network must take exactly one image', {
      expected: 'one input',
      received: inputs.map(({ name }) => name).join(', ') || 'none',
      remedy: 'export the image branch alone',
    });
  }
  const [input] = inputs;
  const tensor = input.type?.tensorType;
  const elemType = tensor?.elemType ?? 0;
  if (!REAL_TYPES.includes(elemType) && elemType !== UINT8) {
    throw new RefusedError('ONNX_DATA_TYPE', 'The image goes in neither as real numbers nor as bytes', {
      field: input.name,
      expected: 'float32, float16, bfloat16 or uint8',
      received: `element type ${elemType || 'none'}`,
      remedy: 'export the model in float32',
    });
  }
  const dim = tensor?.shape?.dim ?? [];
  const extents = dim.map(({ dimValue }) => (dimValue === undefined || dimValue <= 0 ? undefined : dimValue));
  if (extents.length !== 4) {
    throw new RefusedError('ONNX_INPUTS', 'The input is not an image', {
      field: input.name,
      expected: '[N, 3, height, width] or [N, height, width, 3]',
      received: `${extents.length} axes`,
    });
  }
  const isChannelsLast = extents[3] === CHANNELS && extents[1] !== CHANNELS;
  const [, first, second, third] = withSide(extents, isChannelsLast ? [1, 2] : [2, 3], side, input.name);
  if (first === undefined || second === undefined || third === undefined) {
    throw new RefusedError('ONNX_DYNAMIC_SHAPE', 'Height, width and channels of the image must be fixed', {
      field: input.name,
      expected: '[N, 3, height, width] with numbers',
      received: `[${dim.map(({ dimValue, dimParam }) => dimValue ?? dimParam ?? '?').join(', ')}]`,
      remedy: 'say how large the images were in training: --size 224',
    });
  }
  return {
    name: input.name,
    dims: [1, first, second, third],
    isChannelsLast,
    isBytes: elemType === UINT8,
    batch: extents[0] ?? 1,
  };
}

/** @throws RefusedError `ONNX_DYNAMIC_SHAPE` where the file fixes another extent than `side` */
function withSide(
  extents: readonly (number | undefined)[],
  spatial: readonly number[],
  side: number | undefined,
  field: string,
): readonly (number | undefined)[] {
  if (side === undefined) return extents;
  const fixed = spatial.map((axis) => extents[axis]).filter((extent) => extent !== undefined);
  if (fixed.some((extent) => extent !== side)) {
    throw new RefusedError('ONNX_DYNAMIC_SHAPE', 'The file fixes another size of the image than --size', {
      field,
      expected: fixed.join('×'),
      received: `--size ${side}`,
      remedy: 'leave --size away, or export the network for that size',
    });
  }
  return extents.map((extent, axis) => (spatial.includes(axis) ? side : extent));
}

/** @throws RefusedError `ONNX_SHAPE_CONTRADICTION` where the file states other extents than follow from the operators */
export function requireStatedShape(value: OnnxValue, { dims }: Activation): void {
  const stated = value.type?.tensorType?.shape?.dim;
  if (stated === undefined) return;
  const agrees =
    stated.length === dims.length &&
    stated.every(({ dimValue }, axis) => axis === 0 || dimValue === undefined || dimValue === dims[axis]);
  if (agrees) return;
  throw new RefusedError(
    'ONNX_SHAPE_CONTRADICTION',
    'The stated shape of a tensor contradicts its operators',
    {
      node: value.name,
      expected: `[N, ${dims.slice(1).join(', ')}]`,
      received: `[${stated.map(({ dimValue, dimParam }) => dimValue ?? dimParam ?? '?').join(', ')}]`,
      remedy: 'run shape inference again, or export the model again',
    },
  );
}
