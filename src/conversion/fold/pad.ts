/** Borders of zeros become the padding of the window that slides over them. */
import type { Padding } from '../../model/graph.ts';
import { mergedHistory } from '../float/edit.ts';
import { type FloatAveragePool, isPadded } from '../float/graph.ts';
import type { Rule } from './rule.ts';

function summed(a: Padding, b: Padding): Padding {
  return { top: a.top + b.top, left: a.left + b.left, bottom: a.bottom + b.bottom, right: a.right + b.right };
}

export const padIntoWindow: Rule = (node, view) => {
  if (node.op !== 'convolution' && node.op !== 'averagePool') return null;
  const pad = view.maker(node.input);
  if (pad?.op !== 'pad') return null;
  const padding = summed(node.padding, pad.padding);
  const history = mergedHistory(pad, node, 'border folded into the padding');
  if (node.op === 'convolution') {
    if (node.paddingValues !== null) return null;
    return { replace: new Map([[node.name, [{ ...node, ...history, input: pad.input, padding }]]]) };
  }
  const counted = node.countPadding || !isPadded(node.padding);
  const [height, width] = view.maker(pad.input)?.shape ?? view.graph.inputShape;
  if (!counted || !everyWindowMeetsTheImage({ ...node, padding }, height, width)) return null;
  return {
    replace: new Map([[node.name, [{ ...node, ...history, input: pad.input, padding, countPadding: true }]]]),
  };
};

/** x − b, a border of zeros, + b is a border of b: what normalised images are padded with. */
export const shiftedPadIntoConvolution: Rule = (node, view) => {
  if (node.op !== 'convolution' || node.paddingValues !== null || isPadded(node.padding)) return null;
  const back = view.maker(node.input);
  const pad = back?.op === 'affine' ? view.maker(back.input) : undefined;
  const there = pad?.op === 'pad' ? view.maker(pad.input) : undefined;
  if (back?.op !== 'affine' || pad?.op !== 'pad' || there?.op !== 'affine') return null;
  const isShift = [...back.scale, ...there.scale].every((scale) => scale === 1);
  if (!isShift || back.offset.some((offset, c) => offset !== -there.offset[c])) return null;
  const folded = {
    ...node,
    ...mergedHistory(pad, node, 'border of a value folded into the padding'),
    input: there.input,
    padding: pad.padding,
    paddingValues: back.offset,
  };
  return { replace: new Map([[node.name, [folded]]]) };
};

function everyWindowMeetsTheImage(
  { padding, kernel, stride, shape }: FloatAveragePool,
  height: number,
  width: number,
): boolean {
  const lastRow = (shape[0] - 1) * stride[0] - padding.top;
  const lastColumn = (shape[1] - 1) * stride[1] - padding.left;
  return padding.top < kernel[0] && padding.left < kernel[1] && lastRow < height && lastColumn < width;
}
