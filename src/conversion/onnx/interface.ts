/** The model's face: operator set, the one image that goes in, the one vector that comes out, stated shapes. */
import { RefusedError } from '../../errors.ts';
import type { Activation } from './context.ts';
import type { OnnxGraph, OnnxModel, OnnxValue } from './decode.ts';

export const OPSETS = { first: 11, last: 20 } as const;
const FLOAT32 = 1;

/** @throws RefusedError `ONNX_OPSET` */
export function opsetOf({ opsetImport }: OnnxModel): number {
  const version = opsetImport.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0;
  if (version < OPSETS.first || version > OPSETS.last) {
    throw new RefusedError('ONNX_OPSET', 'The converter does not know this operator set', {
      expected: `opset ${OPSETS.first}…${OPSETS.last}`,
      received: `opset ${version}`,
      remedy: 'export with opset_version=17',
    });
  }
  return version;
}

/** Name and extents [1, C, H, W] of the image. @throws RefusedError `ONNX_INPUTS`, `ONNX_DATA_TYPE`, `ONNX_DYNAMIC_SHAPE` */
export function imageInput(graph: OnnxGraph): { name: string; dims: readonly number[] } {
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
  if (tensor?.elemType !== FLOAT32) {
    throw new RefusedError('ONNX_DATA_TYPE', 'The image does not go in as float32', {
      field: input.name,
      expected: 'float32',
      received: `element type ${tensor?.elemType ?? 'none'}`,
      remedy: 'export the model in float32',
    });
  }
  const extents = (tensor.shape?.dim ?? []).map(({ dimValue }) => dimValue);
  if (extents.length !== 4) {
    throw new RefusedError('ONNX_INPUTS', 'The input is not an image', {
      field: input.name,
      expected: '[N, 3, height, width]',
      received: `${extents.length} axes`,
    });
  }
  if (extents.slice(1).some((extent) => extent === undefined || !(extent > 0))) {
    throw new RefusedError('ONNX_DYNAMIC_SHAPE', 'Height, width and channels of the image must be fixed', {
      field: input.name,
      expected: '[N, 3, height, width] with numbers',
      received: `[${tensor.shape?.dim.map(({ dimValue, dimParam }) => dimValue ?? dimParam ?? '?').join(', ')}]`,
      remedy: 'export with a dynamic batch at most: dynamic_axes={"image": {0: "n"}}',
    });
  }
  const [batch] = extents;
  if (batch !== undefined && batch > 1) {
    throw new RefusedError('ONNX_DYNAMIC_SHAPE', 'The batch is fixed to more than one image', {
      field: input.name,
      expected: 'a symbolic batch, or 1',
      received: `${batch}`,
      remedy: 'export with a batch of 1',
    });
  }
  return { name: input.name, dims: [1, ...extents.slice(1).map(Number)] };
}

/** @throws RefusedError `ONNX_OUTPUTS` unless the model makes one tensor */
export function singleOutput(graph: OnnxGraph): OnnxValue {
  if (graph.output.length !== 1) {
    throw new RefusedError('ONNX_OUTPUTS', 'The network must give exactly one vector of logits', {
      expected: 'one output',
      received: graph.output.map(({ name }) => name).join(', '),
      remedy: 'export the classifier output alone',
    });
  }
  return graph.output[0];
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
