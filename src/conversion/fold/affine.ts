/**
 * Batch norms and other per-channel affine steps disappear into the layers beside them (specification §5,
 * equation 13).
 */
import { INPUT_NAME } from '../../model/graph.ts';
import { freshName, mergedHistory } from '../float/edit.ts';
import {
  type FloatAffine,
  type FloatConvolution,
  type FloatDense,
  type FloatNode,
  isPadded,
  multiplyAddsOf,
  NO_PADDING,
} from '../float/graph.ts';
import { VALUE } from '../formula/formula.ts';
import { mergeInto, type Rule } from './rule.ts';

const FOLDED = 'affine folded into the layer before it';

/** A layer followed by y·scale + offset is one layer. */
export function scaledLayer<L extends FloatConvolution | FloatDense>(
  layer: L,
  scale: Float64Array,
  offset: Float64Array,
): L {
  const perOutput = layer.weights.length / layer.bias.length;
  return {
    ...layer,
    weights: layer.weights.map((weight, i) => weight * scale[Math.floor(i / perOutput)]),
    bias: layer.bias.map((bias, o) => bias * scale[o] + offset[o]),
  };
}

export const affineIntoAffine: Rule = (node, view) => {
  if (node.op !== 'affine') return null;
  const first = view.maker(node.input);
  if (first?.op !== 'affine') return null;
  const joined: FloatAffine = {
    ...node,
    ...mergedHistory(first, node, 'affine steps joined'),
    input: first.input,
    scale: node.scale.map((scale, c) => scale * first.scale[c]),
    offset: node.offset.map((offset, c) => first.offset[c] * node.scale[c] + offset),
  };
  return { replace: new Map([[node.name, [joined]]]) };
};

export const affineIntoLayer: Rule = (node, view) => {
  if (node.op !== 'affine') return null;
  const layer = view.maker(node.input);
  if (layer === undefined || !isLayer(layer) || layer.clamp !== null || !view.hasOneUse(layer.name))
    return null;
  const folded = { ...scaledLayer(layer, node.scale, node.offset), ...mergedHistory(layer, node, FOLDED) };
  return mergeInto(layer, node, folded);
};

/** A positive factor and an offset, the same for all channels, move a bounded activation's bounds along. */
export const uniformAffineThroughClamp: Rule = (node, view) => {
  if (node.op !== 'affine') return null;
  const layer = view.maker(node.input);
  const [scale] = node.scale;
  const [offset] = node.offset;
  const uniform = scale > 0 && node.scale.every((s) => s === scale) && node.offset.every((o) => o === offset);
  if (layer === undefined || !isLayer(layer) || layer.clamp === null || !uniform) return null;
  if (!view.hasOneUse(layer.name)) return null;
  const { minimum, maximum } = layer.clamp;
  const folded = {
    ...scaledLayer(layer, node.scale, node.offset),
    ...mergedHistory(layer, node, FOLDED),
    clamp: { minimum: minimum * scale + offset, maximum: maximum * scale + offset },
  };
  return mergeInto(layer, node, folded);
};

/** concat → affine is affine → concat, part by part. */
export const affineBeforeConcat: Rule = (node, view) => {
  if (node.op !== 'affine') return null;
  const concat = view.maker(node.input);
  if (concat?.op !== 'concat' || !view.hasOneUse(concat.name)) return null;
  let start = 0;
  const parts = concat.inputs.map((input, index): FloatAffine => {
    const maker = view.maker(input);
    const shape = maker?.shape ?? view.graph.inputShape;
    const end = start + shape[2];
    const part: FloatAffine = {
      op: 'affine',
      name: freshName(view.graph, `${node.name}.part${index}`),
      shape,
      sources: node.sources,
      rewrites: ['moved before the concatenation'],
      input,
      scale: node.scale.slice(start, end),
      offset: node.offset.slice(start, end),
    };
    start = end;
    return part;
  });
  const joined = { ...concat, inputs: parts.map(({ name }) => name), sources: concat.sources };
  return {
    replace: new Map<string, readonly FloatNode[]>([
      [concat.name, [...parts, joined]],
      [node.name, []],
    ]),
    rename: new Map([[node.name, concat.name]]),
  };
};

/** An average commutes with an affine step, unless zeros from outside the image count in it. */
export const affineBeforeAveragePool: Rule = (node, view) => {
  if (node.op !== 'affine') return null;
  const pool = view.maker(node.input);
  if (pool?.op !== 'averagePool' || pool.clamp !== null || !view.hasOneUse(pool.name)) return null;
  if (pool.countPadding && isPadded(pool.padding)) return null;
  const source = view.maker(pool.input);
  if (source === undefined || !isLayer(source) || source.clamp !== null || !view.hasOneUse(source.name))
    return null;
  const moved: FloatAffine = {
    ...node,
    name: freshName(view.graph, `${node.name}.moved`),
    shape: source.shape,
    input: source.name,
  };
  return {
    replace: new Map<string, readonly FloatNode[]>([
      [pool.name, [moved, { ...pool, input: moved.name }]],
      [node.name, []],
    ]),
    rename: new Map([[node.name, pool.name]]),
  };
};

/**
 * Where the layer's raw output is read elsewhere too, a second copy of a cheap layer carries the affine step:
 * one rounding less than a step of its own.
 */
export const affineIntoCopy: Rule = (node, view) => {
  if (node.op !== 'affine') return null;
  const layer = view.maker(node.input);
  if (layer === undefined || !isLayer(layer) || layer.clamp !== null || view.hasOneUse(layer.name))
    return null;
  if (!copyPays(layer)) return null;
  const copy = {
    ...scaledLayer(layer, node.scale, node.offset),
    ...mergedHistory(layer, node, 'layer copied to carry an affine step'),
    name: node.name,
  };
  return { replace: new Map([[node.name, [copy]]]) };
};

/** Multiply-adds per output value up to which a second copy costs no more than a few memory passes. */
const COPY_LIMIT = 128;

function copyPays(layer: FloatConvolution | FloatDense): boolean {
  const outputs = layer.shape[0] * layer.shape[1] * layer.shape[2];
  return multiplyAddsOf(layer) / outputs <= COPY_LIMIT;
}

/** An affine step that every consumer can take up in its own weights. */
export const affineIntoConsumers: Rule = (node, view) => {
  if (node.op !== 'affine' || node.name === view.graph.output) return null;
  const consumers = view.consumers(node.name);
  const centred = node.offset.every((offset) => offset === 0);
  const takes = (consumer: FloatNode): consumer is FloatConvolution | FloatDense =>
    consumer.op === 'dense' ||
    (consumer.op === 'convolution' &&
      consumer.paddingValues === null &&
      (centred || !isPadded(consumer.padding)));
  if (consumers.length === 0 || !consumers.every(takes)) return null;
  const replaced = consumers.filter(takes).map((consumer): [string, FloatNode[]] => {
    const folded = layerAfterAffine(consumer, node);
    return [
      consumer.name,
      [{ ...folded, ...mergedHistory(node, consumer, 'affine folded into the layer after it') }],
    ];
  });
  return { replace: new Map(replaced) };
};

/** The layer that gives for x what `layer` gives for x·scale + offset. Padding of a convolution is left as it is. */
export function layerAfterAffine(
  layer: FloatConvolution | FloatDense,
  affine: FloatAffine,
): FloatConvolution | FloatDense {
  const channels = affine.scale.length;
  const channelOf = inputChannels(layer, channels);
  const perOutput = layer.weights.length / layer.bias.length;
  const bias = layer.bias.slice();
  const weights = layer.weights.map((weight, i) => {
    const output = Math.floor(i / perOutput);
    const channel = channelOf(output, i % perOutput);
    bias[output] += weight * affine.offset[channel];
    return weight * affine.scale[channel];
  });
  return { ...layer, weights, bias, input: affine.input };
}

/** Which input channel each weight of an output sees. */
export function inputChannels(
  layer: FloatConvolution | FloatDense,
  channels: number,
): (output: number, position: number) => number {
  if (layer.op === 'dense') return (_, position) => position % channels;
  const groupInputs = channels / layer.groups;
  const groupOutputs = layer.bias.length / layer.groups;
  return (output, position) => Math.floor(output / groupOutputs) * groupInputs + (position % groupInputs);
}

/** One factor and one offset for all channels are a table, which rounds once. */
export const uniformAffineAsFunction: Rule = (node) => {
  if (node.op !== 'affine' || node.input === INPUT_NAME) return null;
  const { op: _, scale, offset, ...rest } = node;
  if (!(scale.every((s) => s === scale[0]) && offset.every((o) => o === offset[0]))) return null;
  const formula = { kind: 'affine', scale: scale[0], offset: offset[0], of: VALUE } as const;
  const rewrites = [...node.rewrites, 'affine step as a table'];
  return { replace: new Map([[node.name, [{ ...rest, op: 'function', formula, rewrites }]]]) };
};

/** What is left becomes a depthwise 1×1 convolution. */
export const affineAsDepthwise: Rule = (node) => {
  if (node.op !== 'affine') return null;
  const { op: _, scale, offset, ...rest } = node;
  const convolution: FloatConvolution = {
    ...rest,
    op: 'convolution',
    kernel: [1, 1],
    stride: [1, 1],
    padding: NO_PADDING,
    groups: scale.length,
    paddingValues: null,
    weights: scale,
    bias: offset,
    clamp: null,
    rewrites: [...node.rewrites, 'affine step as a depthwise 1×1 convolution'],
  };
  return { replace: new Map([[node.name, [convolution]]]) };
};

function isLayer(node: FloatNode): node is FloatConvolution | FloatDense {
  return node.op === 'convolution' || node.op === 'dense';
}
