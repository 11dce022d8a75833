/** One operator of either graph as ONNX operators on real values. What follows a name is that of the tensor it makes. */
import { elementCount, type Padding, type Shape } from '../../model/graph.ts';
import { type FloatClamp, isEverything, isPadded, NO_PADDING, type Window } from '../float/graph.ts';
import { channelsFirstOrder, ordersAgree } from './layout.ts';
import type { Attributes, OnnxWriter } from './writer.ts';

/** An image tensor in ONNX: [n, C, H, W], or for a vector also [n, C]. */
export interface Placed {
  readonly name: string;
  readonly shape: Shape;
  readonly form: 'map' | 'vector';
}

export function asMap(writer: OnnxWriter, tensor: Placed): Placed {
  if (tensor.form === 'map') return tensor;
  const axes = writer.integers(`${tensor.name}/axes`, [2, 3]);
  return {
    ...tensor,
    name: writer.node('Unsqueeze', `${tensor.name}/map`, [tensor.name, axes]),
    form: 'map',
  };
}

/** [n, C·H·W] in ONNX's order. */
export function asVector(writer: OnnxWriter, tensor: Placed): Placed {
  if (tensor.form === 'vector') return tensor;
  const name = writer.node('Flatten', `${tensor.name}/vector`, [tensor.name], { axis: 1 });
  return { name, shape: [1, 1, elementCount(tensor.shape)], form: 'vector' };
}

/**
 * A map as a vector. `onlyDense`: dense layers alone read it; they take the map itself and bring its order into their
 * weights. For others the values are moved into this project's order, [H, W, C].
 */
export function flatten(writer: OnnxWriter, name: string, input: Placed, onlyDense: boolean): Placed {
  if (ordersAgree(input.shape)) return asVector(writer, input);
  if (onlyDense) return input;
  const moved = writer.node('Transpose', `${name}/transposed`, [input.name], { perm: [0, 2, 3, 1] });
  const vector = writer.node('Flatten', name, [moved], { axis: 1 });
  return { name: vector, shape: [1, 1, elementCount(input.shape)], form: 'vector' };
}

export interface ConvolutionOperands {
  readonly weights: string;
  readonly bias: string;
  readonly groups: number;
  /** Real value outside the image, per input channel; null for 0. */
  readonly outside: Float64Array | null;
}

export function convolution(
  writer: OnnxWriter,
  name: string,
  input: Placed,
  window: Window,
  { weights, bias, groups, outside }: ConvolutionOperands,
): string {
  const bordered = outside !== null && isPadded(window.padding);
  const source = bordered ? borderOf(writer, name, input, window.padding, outside) : input.name;
  const attributes = windowAttributes(bordered ? { ...window, padding: NO_PADDING } : window);
  return writer.node('Conv', name, [source, weights, bias], { ...attributes, group: groups });
}

/** ONNX pads with one value: the image is moved so that zero stands for the border's value of each channel. */
function borderOf(
  writer: OnnxWriter,
  name: string,
  { name: input, shape }: Placed,
  padding: Padding,
  outside: Float64Array,
): string {
  const border = writer.floats(`${name}/border`, [1, shape[2], 1, 1], outside);
  const moved = writer.node('Sub', `${name}/moved`, [input, border]);
  const padded = pad(writer, `${name}/padded`, moved, padding);
  return writer.node('Add', `${name}/bordered`, [padded, border]);
}

export function pad(writer: OnnxWriter, name: string, input: string, padding: Padding): string {
  const { top, left, bottom, right } = padding;
  const pads = writer.integers(`${name}/pads`, [0, 0, top, left, 0, 0, bottom, right]);
  return writer.node('Pad', name, [input, pads]);
}

interface Choice {
  readonly rows: Int32Array;
  readonly columns: Int32Array;
  readonly channels: Int32Array;
}

/** A choice of channels, rows and columns, one axis after another; axes that stay as they are are left out. */
export function choice(writer: OnnxWriter, name: string, input: Placed, chosen: Choice): string {
  const axes = [
    { axis: 1, places: chosen.channels, extent: input.shape[2] },
    { axis: 2, places: chosen.rows, extent: input.shape[0] },
    { axis: 3, places: chosen.columns, extent: input.shape[1] },
  ].filter(({ places, extent }) => !isEverything(places, extent));
  if (axes.length === 0) return writer.node('Identity', name, [input.name]);
  return axes.reduce((tensor, { axis, places }, i) => {
    const label = i === axes.length - 1 ? name : `${name}/axis${axis}`;
    return writer.node('Gather', label, [tensor, writer.integers(`${label}/places`, [...places])], { axis });
  }, input.name);
}

/** Sum of any number of tensors. */
export function sum(writer: OnnxWriter, name: string, [first, ...others]: readonly string[]): string {
  return others.reduce((total, other, i) => {
    const isLast = i === others.length - 1;
    return writer.node('Add', isLast ? name : `${name}/sum${i}`, [total, other]);
  }, first);
}

/** The tensor within its bounds; the tensor itself where there are none. */
export function clamped(writer: OnnxWriter, name: string, input: string, clamp: FloatClamp | null): string {
  if (clamp === null) return input;
  const { minimum, maximum } = clamp;
  if (minimum === 0 && maximum === Number.POSITIVE_INFINITY) return writer.node('Relu', name, [input]);
  const bound = (label: string, value: number) =>
    Number.isFinite(value) ? writer.floats(`${name}/${label}`, [], [value]) : '';
  return writer.node('Clip', name, [input, bound('minimum', minimum), bound('maximum', maximum)]);
}

export function windowAttributes({ kernel, stride, padding }: Window): Attributes {
  const { top, left, bottom, right } = padding;
  return { kernel_shape: [...kernel], strides: [...stride], pads: [top, left, bottom, right] };
}

/** [n, count] in the order of the logits. `order`: for each logit its index in the tensor, row, column, channel order. */
export function logitsOf(writer: OnnxWriter, tensor: Placed, order: Int32Array): string {
  const vector = asVector(writer, tensor);
  const places = new Int32Array(elementCount(tensor.shape));
  channelsFirstOrder(tensor.shape).forEach((from, to) => {
    places[from] = to;
  });
  const indices = Array.from(order, (index) => places[index]);
  if (indices.length === places.length && indices.every((index, i) => index === i)) return vector.name;
  return writer.node('Gather', 'ordered', [vector.name, writer.integers('order', indices)], { axis: 1 });
}
