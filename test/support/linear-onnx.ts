/** The smallest ONNX classifier: flatten, one dense layer, and a softmax if asked for. */
import { modelType } from '../../src/conversion/onnx/schema.ts';

const FLOAT = 1;
/** Kind of attribute, by ONNX's numbers. */
const INT = 2;

export interface LinearModel {
  readonly bytes: Uint8Array;
  /** [class][channel, row, column], flattened. */
  readonly weights: readonly Float32Array[];
}

/** Weights depend on `seed` alone. */
export async function linearOnnx(
  side: number,
  classes: number,
  { seed = 1, softmax = false } = {},
): Promise<LinearModel> {
  const inputs = 3 * side * side;
  const weights = Array.from({ length: classes }, (_, c) =>
    Float32Array.from({ length: inputs }, (_, i) => Math.sin(seed * 7.3 + c * 1.7 + i * 0.91)),
  );
  const type = await modelType();
  const value = (name: string, dim: object[]) => ({
    name,
    type: { tensorType: { elemType: FLOAT, shape: { dim } } },
  });
  const count = { dimParam: 'n' };
  const message = type.fromObject({
    irVersion: 8,
    opsetImport: [{ domain: '', version: 13 }],
    graph: {
      name: 'linear',
      input: [value('image', [count, { dimValue: 3 }, { dimValue: side }, { dimValue: side }])],
      output: [value('answer', [count, { dimValue: classes }])],
      initializer: [
        {
          name: 'weights',
          dims: [classes, inputs],
          dataType: FLOAT,
          floatData: weights.flatMap((row) => [...row]),
        },
      ],
      node: [
        {
          opType: 'Flatten',
          input: ['image'],
          output: ['flat'],
          attribute: [{ name: 'axis', i: 1, type: INT }],
        },
        {
          opType: 'Gemm',
          input: ['flat', 'weights'],
          output: [softmax ? 'logits' : 'answer'],
          attribute: [{ name: 'transB', i: 1, type: INT }],
        },
        ...(softmax ? [{ opType: 'Softmax', input: ['logits'], output: ['answer'] }] : []),
      ],
    },
  });
  return { bytes: type.encode(message).finish(), weights };
}
