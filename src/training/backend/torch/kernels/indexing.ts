import * as tf from '@tensorflow/tfjs-core';
import { given, type KernelTable, list, present } from './kernel.ts';
import { scalarType } from './shape.ts';

/** By index, and from nothing. */
export const indexing: KernelTable = {
  GatherV2: ({ inputs, backend, attrs }) => {
    const x = present(inputs.x);
    const indices = present(inputs.indices);
    const { axis, batchDims } = given<tf.GatherV2Attrs>(attrs);
    const [parsed] = tf.util.parseAxisParam(axis, x.shape);
    const batch = batchDims ?? 0;
    const wanted = [...x.shape.slice(0, parsed), ...indices.shape.slice(batch), ...x.shape.slice(parsed + 1)];
    return backend.run('GatherV2', [x, indices], [parsed, batch, ...list(wanted)])[0];
  },
  UnsortedSegmentSum: ({ inputs, backend, attrs }) => {
    const { numSegments } = given<tf.UnsortedSegmentSumAttrs>(attrs);
    return backend.run(
      'UnsortedSegmentSum',
      [present(inputs.x), present(inputs.segmentIds)],
      [numSegments],
    )[0];
  },
  OneHot: ({ inputs, backend, attrs }) => {
    const { depth, onValue, offValue, dtype } = given<tf.OneHotAttrs>(attrs);
    return backend.run('OneHot', [present(inputs.indices)], [depth, onValue, offValue, scalarType(dtype)])[0];
  },
  Fill: ({ backend, attrs }) => {
    const { shape, value, dtype } = given<tf.FillAttrs>(attrs);
    const type = scalarType(dtype ?? tf.util.inferDtype(value));
    return backend.run('Fill', [], [type, Number(value), ...list(shape)])[0];
  },
  Range: ({ backend, attrs }) => {
    const { start, stop, step, dtype } = given<tf.RangeAttrs>(attrs);
    const signed = stop < start && step === 1 ? -1 : step;
    const count = Math.max(0, Math.ceil((stop - start) / signed));
    const values = Array.from({ length: count }, (_, index) => start + index * signed);
    return dtype === 'int32'
      ? backend.make(Int32Array.from(values), [count], 'int32')
      : backend.make(Float32Array.from(values), [count], 'float32');
  },
  LinSpace: ({ backend, attrs }) => {
    const { start, stop, num } = given<tf.LinSpaceAttrs>(attrs);
    const step = num > 1 ? (stop - start) / (num - 1) : 0;
    const values = Float32Array.from({ length: num }, (_, index) => start + index * step);
    return backend.make(values, [num], 'float32');
  },
};
