import * as tf from '@tensorflow/tfjs-core';
import { SpikescopeError } from '../../../../errors.ts';
import { given, type KernelTable, list, present } from './kernel.ts';

type Quad = [number, number, number, number];
type Padding = tf.Conv2DAttrs['pad'];
type Rounding = tf.Conv2DAttrs['dimRoundingMode'];

/** Convolutions and pools over [batch, height, width, channels]. */
export const window: KernelTable = {
  Conv2D: ({ inputs, backend, attrs }) => {
    const [x, filter] = [present(inputs.x), present(inputs.filter)];
    const { strides, pad, dataFormat, dilations, dimRoundingMode } = given<tf.Conv2DAttrs>(attrs);
    requireChannelsLast(dataFormat);
    const numbers = convolution(x.shape, filter.shape, strides, dilations, pad, dimRoundingMode);
    return backend.run('Conv2D', [x, filter], numbers)[0];
  },
  Conv2DBackpropInput: ({ inputs, backend, attrs }) => {
    const [dy, filter] = [present(inputs.dy), present(inputs.filter)];
    const { inputShape, strides, pad, dataFormat, dimRoundingMode } =
      given<tf.Conv2DBackpropInputAttrs>(attrs);
    requireChannelsLast(dataFormat);
    const numbers = convolution(inputShape, filter.shape, strides, 1, pad, dimRoundingMode);
    return backend.run('Conv2DBackpropInput', [dy, filter], [...numbers, ...list(inputShape)])[0];
  },
  Conv2DBackpropFilter: ({ inputs, backend, attrs }) => {
    const [x, dy] = [present(inputs.x), present(inputs.dy)];
    const { filterShape, strides, pad, dataFormat, dimRoundingMode } =
      given<tf.Conv2DBackpropFilterAttrs>(attrs);
    requireChannelsLast(dataFormat);
    const numbers = convolution(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
    return backend.run('Conv2DBackpropFilter', [x, dy], [...numbers, ...list(filterShape)])[0];
  },
  DepthwiseConv2dNative: ({ inputs, backend, attrs }) => {
    const [x, filter] = [present(inputs.x), present(inputs.filter)];
    const { strides, pad, dilations, dimRoundingMode } = given<tf.DepthwiseConv2dNativeAttrs>(attrs);
    const numbers = depthwise(x.shape, filter.shape, strides, dilations ?? 1, pad, dimRoundingMode);
    return backend.run('DepthwiseConv2dNative', [x, filter], numbers)[0];
  },
  DepthwiseConv2dNativeBackpropInput: ({ inputs, backend, attrs }) => {
    const [dy, filter] = [present(inputs.dy), present(inputs.filter)];
    const { inputShape, strides, dilations, pad, dimRoundingMode } =
      given<tf.DepthwiseConv2dNativeBackpropInputAttrs>(attrs);
    const numbers = depthwise(inputShape, filter.shape, strides, dilations, pad, dimRoundingMode);
    return backend.run(
      'DepthwiseConv2dNativeBackpropInput',
      [dy, filter],
      [...numbers, ...list(inputShape)],
    )[0];
  },
  DepthwiseConv2dNativeBackpropFilter: ({ inputs, backend, attrs }) => {
    const [x, dy] = [present(inputs.x), present(inputs.dy)];
    const { filterShape, strides, dilations, pad, dimRoundingMode } =
      given<tf.DepthwiseConv2dNativeBackpropFilterAttrs>(attrs);
    const numbers = depthwise(x.shape, filterShape, strides, dilations, pad, dimRoundingMode);
    return backend.run('DepthwiseConv2dNativeBackpropFilter', [x, dy], [...numbers, ...list(filterShape)])[0];
  },
  AvgPool: ({ inputs, backend, attrs }) => {
    const x = present(inputs.x);
    return backend.run('AvgPool', [x], pool(x.shape, given<tf.AvgPoolAttrs>(attrs)))[0];
  },
  AvgPoolGrad: ({ inputs, backend, attrs }) => {
    const x = present(inputs.input);
    return backend.run(
      'AvgPoolGrad',
      [present(inputs.dy), x],
      pool(x.shape, given<tf.AvgPoolAttrs>(attrs)),
    )[0];
  },
  MaxPool: ({ inputs, backend, attrs }) => {
    const x = present(inputs.x);
    return backend.run('MaxPool', [x], pool(x.shape, given<tf.MaxPoolAttrs>(attrs)))[0];
  },
  MaxPoolGrad: ({ inputs, backend, attrs }) => {
    const x = present(inputs.input);
    return backend.run(
      'MaxPoolGrad',
      [present(inputs.dy), x],
      pool(x.shape, given<tf.MaxPoolAttrs>(attrs)),
    )[0];
  },
};

function requireChannelsLast(dataFormat: 'NHWC' | 'NCHW'): void {
  if (dataFormat === 'NHWC') return;
  throw new SpikescopeError('TORCH_LAYOUT', 'The torch backend convolves channels last', {
    expected: 'NHWC',
    received: dataFormat,
  });
}

function convolution(
  x: number[],
  filter: number[],
  strides: [number, number] | number,
  dilations: [number, number] | number,
  pad: Padding,
  rounding: Rounding,
): number[] {
  return numbersOf(
    tf.backend_util.computeConv2DInfo(x as Quad, filter as Quad, strides, dilations, pad, rounding),
  );
}

function depthwise(
  x: number[],
  filter: number[],
  strides: [number, number] | number,
  dilations: [number, number] | number,
  pad: Padding,
  rounding: Rounding,
): number[] {
  return numbersOf(
    tf.backend_util.computeConv2DInfo(x as Quad, filter as Quad, strides, dilations, pad, rounding, true),
  );
}

function pool(x: number[], { filterSize, strides, pad, dimRoundingMode }: tf.AvgPoolAttrs): number[] {
  const info = tf.backend_util.computePool2DInfo(x as Quad, filterSize, strides, 1, pad, dimRoundingMode);
  return [...numbersOf(info), info.filterHeight, info.filterWidth];
}

/** In the order in which the native side reads a window. */
function numbersOf(info: tf.backend_util.Conv2DInfo): number[] {
  return [
    info.strideHeight,
    info.strideWidth,
    info.dilationHeight,
    info.dilationWidth,
    info.padInfo.top,
    info.padInfo.left,
    info.outHeight,
    info.outWidth,
  ];
}
