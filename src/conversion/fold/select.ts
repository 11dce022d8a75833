/** Choices of channels disappear into the layers beside them, so that nothing is copied. */
import { INPUT_NAME } from '../../model/graph.ts';
import { type GraphView, mergedHistory } from '../float/edit.ts';
import {
  type FloatConvolution,
  type FloatNode,
  type FloatSelect,
  isEverything,
  shapeIn,
} from '../float/graph.ts';
import type { Rule } from './rule.ts';

/** A choice among channels alone: every pixel stays where it is. */
function choosesChannels(select: FloatSelect, view: GraphView): boolean {
  const [height, width] = shapeIn(view.graph, select.input);
  return isEverything(select.rows, height) && isEverything(select.columns, width);
}

export const selectIntoSelect: Rule = (node, view) => {
  if (node.op !== 'select') return null;
  const first = view.maker(node.input);
  if (first?.op !== 'select') return null;
  const joined: FloatSelect = {
    ...node,
    ...mergedHistory(first, node, 'choices joined'),
    input: first.input,
    rows: node.rows.map((row) => first.rows[row]),
    columns: node.columns.map((column) => first.columns[column]),
    channels: node.channels.map((channel) => first.channels[channel]),
  };
  return { replace: new Map([[node.name, [joined]]]) };
};

/** A choice that leaves everything as it is. */
export const selectOfEverything: Rule = (node, view) => {
  if (node.op !== 'select' || !choosesChannels(node, view)) return null;
  if (!isEverything(node.channels, shapeIn(view.graph, node.input)[2])) return null;
  return { replace: new Map([[node.name, []]]), rename: new Map([[node.name, node.input]]) };
};

/**
 * Choices of a convolution's channels are convolutions with as many outputs: where choices alone read it, and none of its
 * outputs would be computed twice.
 */
export const selectIntoMaker: Rule = (node, view) => {
  if (node.op !== 'select') return null;
  const maker = view.maker(node.input);
  if (maker?.op !== 'convolution' || maker.groups !== 1 || view.graph.output === maker.name) return null;
  const readers = view.consumers(maker.name);
  const areChoices = (nodes: readonly FloatNode[]): nodes is readonly FloatSelect[] =>
    nodes.every((reader) => reader.op === 'select' && choosesChannels(reader, view));
  if (!areChoices(readers)) return null;
  const taken = readers.flatMap(({ channels }) => [...channels]);
  if (new Set(taken).size !== taken.length) return null;
  return {
    replace: new Map(readers.map((select) => [select.name, [withOutputs(maker, select)]])),
  };
};

function withOutputs(layer: FloatConvolution, select: FloatSelect): FloatConvolution {
  const perOutput = layer.weights.length / layer.bias.length;
  return {
    ...layer,
    name: select.name,
    shape: select.shape,
    ...mergedHistory(layer, select, 'choice of channels folded into the layer before it'),
    weights: Float64Array.from(
      { length: select.channels.length * perOutput },
      (_, i) => layer.weights[select.channels[Math.floor(i / perOutput)] * perOutput + (i % perOutput)],
    ),
    bias: Float64Array.from(select.channels, (channel) => layer.bias[channel]),
  };
}

/**
 * A convolution without groups behind another order of all channels, or behind some of the image's: it reads them where
 * they are.
 */
export const selectIntoConsumer: Rule = (node, view) => {
  if (node.op !== 'convolution' || node.groups !== 1 || node.paddingValues !== null) return null;
  const select = view.maker(node.input);
  if (select?.op !== 'select' || !choosesChannels(select, view)) return null;
  const channels = shapeIn(view.graph, select.input)[2];
  if (select.channels.length !== channels && select.input !== INPUT_NAME) return null;
  const weights = new Float64Array((node.weights.length / select.channels.length) * channels);
  for (let i = 0; i < node.weights.length; i++) {
    const place = Math.floor(i / select.channels.length) * channels;
    weights[place + select.channels[i % select.channels.length]] += node.weights[i];
  }
  const folded: FloatConvolution = {
    ...node,
    ...mergedHistory(select, node, 'choice of channels folded into the layer after it'),
    input: select.input,
    weights,
  };
  return { replace: new Map([[node.name, [folded]]]) };
};
