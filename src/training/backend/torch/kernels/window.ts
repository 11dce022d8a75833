import * as tf from '@tensorflow/tfjs-core';
import { SpikescopeError } from '../../../../errors.ts';
import { given, type KernelCall, type KernelTable, list, present } from './kernel.ts';

/** Convolutions and pools over [batch, height, width, channels]. */
export const window: KernelTable = {
  ...convolutions(
    { forward: 'Conv2D', input: 'Conv2DBackpropInput', filter: 'Conv2DBackpropFilter' },
    { depthwise: false },
  ),
  ...convolutions(
    {
      forward: 'DepthwiseConv2dNative',
      input: 'DepthwiseConv2dNativeBackpropInput',
      filter: 'DepthwiseConv2dNativeBackpropFilter',
    },
    { depthwise: true },
  ),
  AvgPool: (call) => pool('AvgPool', call),
  MaxPool: (call) => pool('MaxPool', call),
  AvgPoolGrad: (call) => poolGradient('AvgPoolGrad', call),
  MaxPoolGrad: (call) => poolGradient('MaxPoolGrad', call),
};

interface ConvolutionAttributes extends Pick<tf.Conv2DAttrs, 'strides' | 'pad' | 'dimRoundingMode'> {
  readonly dataFormat?: 'NHWC' | 'NCHW';
  readonly dilations?: [number, number] | number;
  /** Of the gradient in the input. */
  readonly inputShape: number[];
  /** Of the gradient in the filter. */
  readonly filterShape: number[];
}

/** The forward kernel of that name and the gradients in input and filter. */
function convolutions(
  names: { readonly forward: string; readonly input: string; readonly filter: string },
  { depthwise }: { readonly depthwise: boolean },
): KernelTable {
  const window = (x: number[], filter: number[], attributes: ConvolutionAttributes) => {
    requireChannelsLast(attributes.dataFormat);
    const { strides, dilations = 1, pad, dimRoundingMode } = attributes;
    const [image, kernel] = [asQuad(x), asQuad(filter)];
    return numbersOf(
      tf.backend_util.computeConv2DInfo(image, kernel, strides, dilations, pad, dimRoundingMode, depthwise),
    );
  };
  return {
    [names.forward]: ({ inputs, backend, attrs }) => {
      const [x, filter] = [present(inputs.x), present(inputs.filter)];
      return backend.run(names.forward, [x, filter], window(x.shape, filter.shape, given(attrs)))[0];
    },
    [names.input]: ({ inputs, backend, attrs }) => {
      const [dy, filter] = [present(inputs.dy), present(inputs.filter)];
      const attributes = given<ConvolutionAttributes>(attrs);
      const numbers = window(attributes.inputShape, filter.shape, attributes);
      return backend.run(names.input, [dy, filter], [...numbers, ...list(attributes.inputShape)])[0];
    },
    [names.filter]: ({ inputs, backend, attrs }) => {
      const [x, dy] = [present(inputs.x), present(inputs.dy)];
      const attributes = given<ConvolutionAttributes>(attrs);
      const numbers = window(x.shape, attributes.filterShape, attributes);
      return backend.run(names.filter, [x, dy], [...numbers, ...list(attributes.filterShape)])[0];
    },
  };
}

function requireChannelsLast(dataFormat: 'NHWC' | 'NCHW' = 'NHWC'): void {
  if (dataFormat === 'NHWC') return;
  throw new SpikescopeError('TORCH_LAYOUT', 'The torch backend convolves channels last', {
    expected: 'NHWC',
    received: dataFormat,
  });
}

function pool(name: string, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const x = present(inputs.x);
  return backend.run(name, [x], poolNumbers(x.shape, given(attrs)))[0];
}

function poolGradient(name: string, { inputs, backend, attrs }: KernelCall): tf.TensorInfo {
  const [dy, x] = [present(inputs.dy), present(inputs.input)];
  return backend.run(name, [dy, x], poolNumbers(x.shape, given(attrs)))[0];
}

function poolNumbers(x: number[], { filterSize, strides, pad, dimRoundingMode }: tf.AvgPoolAttrs): number[] {
  const info = tf.backend_util.computePool2DInfo(asQuad(x), filterSize, strides, 1, pad, dimRoundingMode);
  return [...numbersOf(info), info.filterHeight, info.filterWidth];
}

/** tfjs's operators have checked that there are four extents. */
function asQuad(shape: number[]): [number, number, number, number] {
  const [a, b, c, d] = shape;
  return [a, b, c, d];
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
