import type * as tf from '@tensorflow/tfjs-core';
import { given, type KernelTable, present } from './kernel.ts';

/** Matrix products, and normalisation with given statistics. */
export const linear: KernelTable = {
  BatchMatMul: ({ inputs, backend, attrs }) => {
    const { transposeA, transposeB } = given<tf.BatchMatMulAttrs>(attrs);
    return backend.run(
      'BatchMatMul',
      [present(inputs.a), present(inputs.b)],
      [Number(transposeA), Number(transposeB)],
    )[0];
  },
  FusedBatchNorm: ({ inputs, backend, attrs }) => {
    const { x, mean, variance, offset, scale } = inputs;
    const { varianceEpsilon } = given<tf.FusedBatchNormAttrs>(attrs);
    const constant = (value: number) => backend.make(Float32Array.of(value), [], 'float32');
    const [shift, factor] = [offset ?? constant(0), scale ?? constant(1)];
    const tensors = [present(x), present(mean), present(variance), shift, factor];
    const [y] = backend.run('FusedBatchNorm', tensors, [varianceEpsilon ?? 0.001]);
    if (offset === undefined) backend.disposeData(shift.dataId);
    if (scale === undefined) backend.disposeData(factor.dataId);
    return y;
  },
};
