/** Functions of one number: found where networks spell them out, and joined with what stands before and behind them. */

import { type GraphView, mergedHistory, viewOf } from '../float/edit.ts';
import type { FloatFunction, FloatGraph, FloatNode } from '../float/graph.ts';
import { composed, type Formula, type Joining, nameOf, sizeOf, VALUE } from '../formula/formula.ts';
import { applyRules, mergeInto, type Rule } from './rule.ts';

/** Most operations of one formula: what is longer is left as it is. */
const LARGEST_FORMULA = 64;

/** A node that is a function of each number by itself, as a formula of its input; null for any other. */
function formulaOf(node: FloatNode): Formula | null {
  switch (node.op) {
    case 'sigmoid':
      return { kind: 'named', name: 'sigmoid', parameters: [], of: VALUE };
    case 'function':
      return node.formula.kind === 'stored' ? null : node.formula;
    case 'clamp':
      return { kind: 'clamp', ...node.clamp, of: VALUE };
    case 'affine': {
      const [scale] = node.scale;
      const [offset] = node.offset;
      const isUniform = node.scale.every((s) => s === scale) && node.offset.every((o) => o === offset);
      return isUniform ? { kind: 'affine', scale, offset, of: VALUE } : null;
    }
    default:
      return null;
  }
}

/** A tensor as a function of one before it. */
interface Derived {
  readonly source: string;
  readonly formula: Formula;
  /** The nodes between, the last first. */
  readonly nodes: readonly FloatNode[];
}

/** The tensor as a function of itself, of what its maker reads, and so on. */
function derivations(tensor: string, view: GraphView): Derived[] {
  const found: Derived[] = [{ source: tensor, formula: VALUE, nodes: [] }];
  for (;;) {
    const { source, formula, nodes } = found[found.length - 1];
    const maker = view.maker(source);
    const inner = maker && formulaOf(maker);
    if (maker === undefined || !inner || !('input' in maker)) return found;
    const next = composed(formula, inner);
    if (sizeOf(next) > LARGEST_FORMULA) return found;
    found.push({ source: maker.input, formula: next, nodes: [...nodes, maker] });
  }
}

/** The nearest tensor that two others are functions of. */
function commonSource(a: string, b: string, view: GraphView): readonly [Derived, Derived] | null {
  const ofA = derivations(a, view);
  for (const right of derivations(b, view)) {
    const left = ofA.find(({ source }) => source === right.source);
    if (left !== undefined) return [left, right];
  }
  return null;
}

/** What a node does with two tensors, where it treats every pair of values alike. */
function joiningOf(node: FloatNode): readonly [Joining, string, string] | null {
  if (node.op === 'multiply') return ['product', node.input, node.gate];
  if (node.op === 'extremum' && node.inputs.length === 2) {
    return [node.kind, node.inputs[0], node.inputs[1]];
  }
  if (node.op === 'add' && node.inputs.length === 2) return ['sum', node.inputs[0], node.inputs[1]];
  return null;
}

/** f(x) joined with g(x) is a function of x: SiLU as x × sigmoid(x), GELU by its erf, hard swish by its bounds. */
export const spelledOutFunction: Rule = (node, view) => {
  const joining = joiningOf(node);
  if (joining === null || ('clamp' in node && node.clamp !== null)) return null;
  const [kind, a, b] = joining;
  const common = commonSource(a, b, view);
  if (common === null) return null;
  const [left, right] = common;
  const between = [...left.nodes, ...right.nodes];
  // Sums of a tensor with itself, scaled or bounded, are cheap as they are.
  if (kind === 'sum' && !between.some(({ op }) => op === 'function' || op === 'sigmoid')) return null;
  const formula: Formula = { kind, left: left.formula, right: right.formula };
  if (sizeOf(formula) > LARGEST_FORMULA) return null;
  const found: FloatFunction = {
    op: 'function',
    name: node.name,
    shape: node.shape,
    sources: [...new Set([...between.toReversed(), node].flatMap(({ sources }) => sources))],
    rewrites: [...new Set([...node.rewrites, 'function of one value, spelled out'])],
    input: left.source,
    formula,
  };
  return { replace: new Map([[node.name, [found]]]) };
};

/** The tensor whose sigmoid the answer is, where the sigmoid is spelled out; null where it is not. */
export function behindSigmoid(graph: FloatGraph): string | null {
  const recognised = withFunctions(graph);
  const found = derivations(recognised.output, viewOf(recognised)).find(
    ({ formula }) => formula.kind !== 'value' && nameOf(formula) === 'sigmoid',
  );
  return found?.source ?? null;
}

/** To be called before anything is folded: folding a part of a spelled-out function into a layer hides the rest. */
export function withFunctions(graph: FloatGraph): FloatGraph {
  return applyRules(graph, [spelledOutFunction]);
}

/** What stands behind a function and is one itself joins it. */
export const functionIntoFunction: Rule = (node, view) => {
  const outer = formulaOf(node);
  if (outer === null || !('input' in node)) return null;
  const first = view.maker(node.input);
  if (first === undefined || (first.op !== 'function' && first.op !== 'sigmoid')) return null;
  const inner = formulaOf(first);
  if (inner === null || !view.hasOneUse(first.name)) return null;
  return mergeInto(first, node, joinedFunction(first, node, composed(outer, inner)));
};

/** A factor and an offset that no layer before takes up, and a function behind them. */
export const affineIntoFunction: Rule = (node, view) => {
  if (node.op !== 'function' && node.op !== 'sigmoid') return null;
  const first = view.maker(node.input);
  const [inner, outer] = [first && formulaOf(first), formulaOf(node)];
  if (first?.op !== 'affine' || !inner || !outer) return null;
  const joined = joinedFunction(first, node, composed(outer, inner));
  return { replace: new Map([[node.name, [{ ...joined, name: node.name }]]]) };
};

function joinedFunction(
  first: FloatNode & { readonly input: string },
  second: FloatNode,
  formula: Formula,
): FloatFunction {
  const { name, shape, input } = first;
  return {
    op: 'function',
    name,
    shape,
    input,
    formula,
    ...mergedHistory(first, second, 'functions of one value joined'),
  };
}
