import * as tf from '@tensorflow/tfjs-core';
import { given, type KernelCall, type KernelTable, list, present } from './kernel.ts';

interface ReductionAttributes {
  readonly axis: number | number[];
  /** What tfjs calls the axes of `Max` alone. */
  readonly reductionIndices?: number | number[];
  readonly keepDims?: boolean;
}

/** Along axes. */
export const reduction: KernelTable = {
  ...Object.fromEntries(
    ['Sum', 'Mean', 'Max', 'Min', 'Prod', 'All', 'Any'].map((name) => [name, (call) => reduce(name, call)]),
  ),
  ArgMax: (call) => alongOneAxis('ArgMax', call),
  ArgMin: (call) => alongOneAxis('ArgMin', call),
  Cumsum: ({ inputs, backend, attrs }) => {
    const x = present(inputs.x);
    const { axis, exclusive, reverse } = given<tf.CumsumAttrs>(attrs);
    const [parsed] = tf.util.parseAxisParam(axis, x.shape);
    return backend.run('Cumsum', [x], [parsed, Number(exclusive), Number(reverse)])[0];
  },
  Softmax: ({ inputs, backend, attrs }) => {
    const { dim } = given<tf.SoftmaxAttrs>(attrs);
    return backend.run('Softmax', [present(inputs.logits)], [dim])[0];
  },
  TopK: ({ inputs, backend, attrs }) =>
    backend.run('TopK', [present(inputs.x)], [given<tf.TopKAttrs>(attrs).k]),
};

function reduce(name: string, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const x = present(inputs.x);
  const { axis, reductionIndices, keepDims } = given<ReductionAttributes>(attrs);
  const axes = tf.util.parseAxisParam(reductionIndices ?? axis, x.shape);
  return backend.run(name, [x], [...list(axes), Number(keepDims ?? false)])[0];
}

function alongOneAxis(name: string, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const x = present(inputs.x);
  const [axis] = tf.util.parseAxisParam(given<tf.ArgMaxAttrs>(attrs).axis, x.shape);
  return backend.run(name, [x], [axis])[0];
}
