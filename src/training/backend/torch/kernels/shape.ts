import * as tf from '@tensorflow/tfjs-core';
import { SCALAR_TYPE } from '../torch-backend.ts';
import { given, type KernelTable, list, listed, present } from './kernel.ts';

/** Where values lie, not what they are. */
export const shape: KernelTable = {
  Identity: ({ inputs, backend }) => backend.share(present(inputs.x)),
  Reshape: ({ inputs, backend, attrs }) => {
    const x = present(inputs.x);
    const wanted = tf.util.inferFromImplicitShape(
      given<tf.ReshapeAttrs>(attrs).shape,
      tf.util.sizeFromShape(x.shape),
    );
    return backend.run('Reshape', [x], list(wanted))[0];
  },
  ExpandDims: ({ inputs, backend, attrs }) => {
    const x = present(inputs.input);
    const { dim } = given<tf.ExpandDimsAttrs>(attrs);
    const wanted = x.shape.toSpliced(dim < 0 ? x.shape.length + dim + 1 : dim, 0, 1);
    return backend.run('Reshape', [x], list(wanted))[0];
  },
  Cast: ({ inputs, backend, attrs }) => {
    const x = present(inputs.x);
    const { dtype } = given<tf.CastAttrs>(attrs);
    return x.dtype === dtype ? backend.share(x) : backend.run('Cast', [x], [scalarType(dtype)])[0];
  },
  Transpose: ({ inputs, backend, attrs }) =>
    backend.run('Transpose', [present(inputs.x)], list(given<tf.TransposeAttrs>(attrs).perm))[0],
  Concat: ({ inputs, backend, attrs }) => {
    const parts = listed(inputs);
    const [axis] = tf.util.parseAxisParam(given<tf.ConcatAttrs>(attrs).axis, parts[0].shape);
    return backend.run('Concat', parts, [axis])[0];
  },
  Pack: ({ inputs, backend, attrs }) =>
    backend.run('Pack', listed(inputs), [given<tf.PackAttrs>(attrs).axis])[0],
  Unpack: ({ inputs, backend, attrs }) => {
    const value = present(inputs.value);
    const { axis } = given<tf.UnpackAttrs>(attrs);
    return backend.run('Unpack', [value], [axis < 0 ? axis + value.shape.length : axis]);
  },
  SplitV: ({ inputs, backend, attrs }) => {
    const x = present(inputs.x);
    const { numOrSizeSplits, axis } = given<tf.SplitVAttrs>(attrs);
    const [parsed] = tf.util.parseAxisParam(axis, x.shape);
    const sizes = tf.backend_util.prepareSplitSize(x, numOrSizeSplits, parsed);
    return backend.run('SplitV', [x], [parsed, ...list(sizes)]);
  },
  Slice: ({ inputs, backend, attrs }) => {
    const x = present(inputs.x);
    const { begin, size } = given<tf.SliceAttrs>(attrs);
    const [first, extent] = tf.slice_util.parseSliceParams(x, begin, size);
    return backend.run('Slice', [x], [...list(first), ...list(extent)])[0];
  },
  PadV2: ({ inputs, backend, attrs }) => {
    const { paddings, constantValue } = given<tf.PadV2Attrs>(attrs);
    return backend.run('PadV2', [present(inputs.x)], [constantValue, ...list(paddings.flat())])[0];
  },
  MirrorPad: ({ inputs, backend, attrs }) => {
    const { paddings, mode } = given<tf.MirrorPadAttrs>(attrs);
    const offset = mode === 'reflect' ? 1 : 0;
    return backend.run('MirrorPad', [present(inputs.x)], [offset, ...list(paddings.flat())])[0];
  },
  Tile: ({ inputs, backend, attrs }) =>
    backend.run('Tile', [present(inputs.x)], list(given<tf.TileAttrs>(attrs).reps))[0],
  Reverse: ({ inputs, backend, attrs }) => {
    const x = present(inputs.x);
    const axes = tf.util.parseAxisParam(given<tf.ReverseAttrs>(attrs).dims, x.shape);
    return backend.run('Reverse', [x], list(axes))[0];
  },
};

/** @throws TypeError for text and complex numbers */
export function scalarType(dtype: tf.DataType): number {
  if (dtype === 'float32' || dtype === 'int32' || dtype === 'bool') return SCALAR_TYPE[dtype];
  throw new TypeError(`The torch backend holds float32, int32 and bool but was asked for ${dtype}`);
}
