/** A classifier written as a convolution over the whole map is a dense layer: weights already lie in its order. */
import { coversMap } from '../float/edit.ts';
import type { Rule } from './rule.ts';

export const outputConvolutionAsDense: Rule = (node, view) => {
  if (node.op !== 'convolution' || node.name !== view.graph.output || node.groups !== 1) return null;
  if (!coversMap(view, node) || node.paddingValues !== null) return null;
  const { name, shape, sources, rewrites, input, weights, bias, clamp } = node;
  const history = [...rewrites, 'convolution over the whole map as a dense layer'];
  return {
    replace: new Map([
      [name, [{ op: 'dense', name, shape, sources, rewrites: history, input, weights, bias, clamp }]],
    ]),
  };
};
