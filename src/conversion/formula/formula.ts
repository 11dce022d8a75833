/**
 * A function of one number, as networks spell it: named functions, factors and offsets, bounds, and products, sums and
 * extremes of two such functions. Whatever it is, a table of 256 entries computes it on a quantised tensor.
 */
import type { Quantisation } from '../../model/graph.ts';
import { type FunctionName, NAMED, type NamedFunction } from './named.ts';

export type Formula =
  | { readonly kind: 'value' }
  | {
      readonly kind: 'named';
      readonly name: FunctionName;
      readonly parameters: readonly number[];
      readonly of: Formula;
    }
  | { readonly kind: 'affine'; readonly scale: number; readonly offset: number; readonly of: Formula }
  | { readonly kind: 'clamp'; readonly minimum: number; readonly maximum: number; readonly of: Formula }
  | { readonly kind: 'power'; readonly exponent: number; readonly of: Formula }
  /** A look-up among bytes, as a file that is quantised already states it. */
  | {
      readonly kind: 'stored';
      readonly input: Quantisation;
      readonly output: Quantisation;
      readonly table: Uint8Array;
    }
  | { readonly kind: Joining; readonly left: Formula; readonly right: Formula };

export type Joining = 'product' | 'sum' | 'minimum' | 'maximum';

/** The number itself. */
export const VALUE: Formula = { kind: 'value' };

export function named(name: FunctionName, parameters: readonly number[] = [], of: Formula = VALUE): Formula {
  return { kind: 'named', name, parameters, of };
}

/** The formula's value; infinite or no number where it has none. */
export function evaluateFormula(formula: Formula, value: number): number {
  switch (formula.kind) {
    case 'value':
      return value;
    case 'named': {
      const { of }: NamedFunction = NAMED[formula.name];
      return of(evaluateFormula(formula.of, value), ...formula.parameters);
    }
    case 'affine':
      return evaluateFormula(formula.of, value) * formula.scale + formula.offset;
    case 'clamp':
      return Math.min(Math.max(evaluateFormula(formula.of, value), formula.minimum), formula.maximum);
    case 'power':
      return evaluateFormula(formula.of, value) ** formula.exponent;
    case 'stored': {
      const { input, output, table } = formula;
      const place = Math.min(Math.max(Math.round(value / input.scale) + input.zeroPoint, 0), 255);
      return (table[place] - output.zeroPoint) * output.scale;
    }
    default:
      return joined(
        formula.kind,
        evaluateFormula(formula.left, value),
        evaluateFormula(formula.right, value),
      );
  }
}

function joined(kind: Joining, left: number, right: number): number {
  switch (kind) {
    case 'product':
      return left * right;
    case 'sum':
      return left + right;
    case 'minimum':
      return Math.min(left, right);
    case 'maximum':
      return Math.max(left, right);
  }
}

/** `outer` of what `inner` gives. */
export function composed(outer: Formula, inner: Formula): Formula {
  switch (outer.kind) {
    case 'value':
      return inner;
    case 'stored':
      throw new RangeError('A look-up among stored bytes stands alone');
    case 'named':
    case 'affine':
    case 'clamp':
    case 'power':
      return { ...outer, of: composed(outer.of, inner) };
    default:
      return { ...outer, left: composed(outer.left, inner), right: composed(outer.right, inner) };
  }
}

/** How many operations it is made of; spelt-out functions of no sane network have more than a few dozen. */
export function sizeOf(formula: Formula): number {
  switch (formula.kind) {
    case 'value':
    case 'stored':
      return 0;
    case 'named':
    case 'affine':
    case 'clamp':
    case 'power':
      return 1 + sizeOf(formula.of);
    default:
      return 1 + sizeOf(formula.left) + sizeOf(formula.right);
  }
}

const PLAIN: readonly (readonly [FunctionName, readonly number[]])[] = [
  ['SiLU', [1]],
  ['hard swish', []],
  ['GELU', []],
  ['GELU by tanh', []],
  ['Mish', []],
  ['sigmoid', []],
  ['hard sigmoid', [1 / 6, 0.5]],
  ['hard sigmoid', [0.2, 0.5]],
  ['tanh', []],
  ['softplus', []],
];
const SAMPLES = Array.from({ length: 65 }, (_, i) => (i - 32) / 4);

/** What people call it: a function spelt out is known by its values; else the name of its last step. */
export function nameOf(formula: Formula): string {
  if (formula.kind === 'named' && formula.of.kind === 'value') return formula.name;
  const known = PLAIN.find(([name, parameters]) => {
    const plain = named(name, parameters);
    return SAMPLES.every(
      (value) => Math.abs(evaluateFormula(formula, value) - evaluateFormula(plain, value)) < 1e-5,
    );
  });
  return known?.[0] ?? 'function';
}
