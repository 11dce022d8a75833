/** Arithmetic of constants, value by value. */

export interface Pointwise {
  /** Kind of the result; null for that of the inputs, real where any is. */
  readonly kind: 'float' | 'integer' | null;
  readonly compute: (values: readonly number[], isInteger: boolean) => number;
}

const like = (compute: Pointwise['compute']): Pointwise => ({ kind: null, compute });
const truth = (compute: (values: readonly number[]) => boolean): Pointwise => ({
  kind: 'integer',
  compute: (values) => (compute(values) ? 1 : 0),
});

const OPERATORS: Readonly<Record<string, Pointwise>> = {
  Add: like(([a, b]) => a + b),
  Sub: like(([a, b]) => a - b),
  Mul: like(([a, b]) => a * b),
  Div: like(([a, b], isInteger) => (isInteger ? Math.trunc(a / b) : a / b)),
  Mod: like(([a, b]) => a - b * Math.floor(a / b)),
  Pow: like(([a, b]) => a ** b),
  Min: like((values) => Math.min(...values)),
  Max: like((values) => Math.max(...values)),
  Sum: like((values) => values.reduce((sum, value) => sum + value, 0)),
  Neg: like(([a]) => -a),
  Abs: like(([a]) => Math.abs(a)),
  Sqrt: like(([a]) => Math.sqrt(a)),
  Reciprocal: like(([a]) => 1 / a),
  Exp: like(([a]) => Math.exp(a)),
  Log: like(([a]) => Math.log(a)),
  Floor: like(([a]) => Math.floor(a)),
  Ceil: like(([a]) => Math.ceil(a)),
  Equal: truth(([a, b]) => a === b),
  Less: truth(([a, b]) => a < b),
  Greater: truth(([a, b]) => a > b),
  Not: truth(([a]) => a === 0),
  And: truth(([a, b]) => a !== 0 && b !== 0),
  Or: truth(([a, b]) => a !== 0 || b !== 0),
  Where: like(([condition, a, b]) => (condition !== 0 ? a : b)),
};

export function arithmeticOf(opType: string): Pointwise | undefined {
  return Object.hasOwn(OPERATORS, opType) ? OPERATORS[opType] : undefined;
}
