/** Bounded activations disappear into the nodes before them. */
import { freshName, mergedHistory } from '../float/edit.ts';
import type { FloatClamp, FloatClampNode, FloatNode } from '../float/graph.ts';
import { mergeInto, type Rule } from './rule.ts';

/** First `inner`, then `outer`. */
export function joinedClamp(inner: FloatClamp | null, outer: FloatClamp): FloatClamp {
  if (inner === null) return outer;
  const bounded = (value: number) => Math.min(Math.max(value, outer.minimum), outer.maximum);
  return { minimum: bounded(inner.minimum), maximum: bounded(inner.maximum) };
}

export const clampIntoMaker: Rule = (node, view) => {
  if (node.op !== 'clamp') return null;
  const maker = view.maker(node.input);
  if (maker === undefined || !view.hasOneUse(maker.name)) return null;
  if (!('clamp' in maker)) return null;
  const merged: FloatNode = {
    ...maker,
    clamp: joinedClamp(maker.clamp, node.clamp),
    ...mergedHistory(maker, node, 'bounded activation fused'),
  };
  return mergeInto(maker, node, merged);
};

/** concat → clamp is clamp → concat, part by part. */
export const clampBeforeConcat: Rule = (node, view) => {
  if (node.op !== 'clamp') return null;
  const concat = view.maker(node.input);
  if (concat?.op !== 'concat' || !view.hasOneUse(concat.name)) return null;
  const parts = concat.inputs.map(
    (input, index): FloatClampNode => ({
      op: 'clamp',
      name: freshName(view.graph, `${node.name}.part${index}`),
      shape: view.maker(input)?.shape ?? view.graph.inputShape,
      sources: node.sources,
      rewrites: [],
      input,
      clamp: node.clamp,
      ...(node.isStored && { isStored: true }),
    }),
  );
  return {
    replace: new Map<string, readonly FloatNode[]>([
      [concat.name, [...parts, { ...concat, inputs: parts.map(({ name }) => name) }]],
      [node.name, []],
    ]),
    rename: new Map([[node.name, concat.name]]),
  };
};

const MOVES: ReadonlySet<FloatNode['op']> = new Set([
  'maxPool',
  'flatten',
  'pad',
  'select',
  'channelMaximum',
] as const);

/** Maximum, choice, flattening and a border of zeros commute with a bounded activation that leaves zero alone. */
export const clampBeforeMove: Rule = (node, view) => {
  if (node.op !== 'clamp') return null;
  const move = view.maker(node.input);
  const moves = move !== undefined && MOVES.has(move.op);
  if (!moves || !('input' in move) || !view.hasOneUse(move.name)) return null;
  if (move.op === 'pad' && !(node.clamp.minimum <= 0 && node.clamp.maximum >= 0)) return null;
  const source = view.maker(move.input);
  if (source === undefined) return null;
  const clamp: FloatClampNode = {
    ...node,
    name: freshName(view.graph, `${node.name}.moved`),
    shape: source.shape,
    input: source.name,
  };
  return {
    replace: new Map<string, readonly FloatNode[]>([
      [move.name, [clamp, { ...move, input: clamp.name }]],
      [node.name, []],
    ]),
    rename: new Map([[node.name, move.name]]),
  };
};

/** A bound on a sigmoid that the sigmoid never reaches. */
export const clampOfSigmoid: Rule = (node, view) => {
  if (node.op !== 'clamp') return null;
  const maker = view.maker(node.input);
  if (maker?.op !== 'sigmoid' || node.clamp.minimum > 0 || node.clamp.maximum < 1) return null;
  return { replace: new Map([[node.name, []]]), rename: new Map([[node.name, maker.name]]) };
};

/** A bound on what lies within it already, where others read that too. */
export const clampOfBounded: Rule = (node, view) => {
  if (node.op !== 'clamp') return null;
  const maker = view.maker(node.input);
  const inner = maker !== undefined && 'clamp' in maker ? maker.clamp : null;
  if (inner === null || view.hasOneUse(node.input)) return null;
  const { minimum, maximum } = node.clamp;
  if (inner.minimum < minimum || inner.maximum > maximum) return null;
  if (node.isStored && (inner.minimum !== minimum || inner.maximum !== maximum)) return null;
  return { replace: new Map([[node.name, []]]), rename: new Map([[node.name, node.input]]) };
};

/** What is left becomes a change of scale with bounds. */
export const clampAsRescale: Rule = (node) => {
  if (node.op !== 'clamp') return null;
  const { op: _, input, ...rest } = node;
  return { replace: new Map([[node.name, [{ ...rest, op: 'add', inputs: [input] }]]]) };
};
