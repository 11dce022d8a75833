/** Comparisons with one number, which give 1 where they hold and 0 where not; Not; and Where, which chooses by them. */
import { type Formula, named, VALUE } from '../../formula/formula.ts';
import { type Activation, type ImportContext, type Importer, type Operation, shapeOf } from '../context.ts';
import { channelVector } from '../vectors.ts';
import { broadcast } from './broadcast.ts';
import { oneNumber } from './compare.ts';

type Comparison = 'above' | 'below' | 'at least' | 'at most';

const OPPOSITE: Readonly<Record<Comparison, Comparison>> = {
  above: 'below',
  below: 'above',
  'at least': 'at most',
  'at most': 'at least',
};

function formulaOf(comparison: Comparison, bound: number): Formula {
  const affine = (scale: number, offset: number, of: Formula): Formula => ({
    kind: 'affine',
    scale,
    offset,
    of,
  });
  const positive = (of: Formula): Formula => ({
    kind: 'clamp',
    minimum: 0,
    maximum: 1,
    of: named('sign', [], of),
  });
  switch (comparison) {
    case 'above':
      return positive(affine(1, -bound, VALUE));
    case 'below':
      return positive(affine(-1, bound, VALUE));
    case 'at least':
      return affine(-1, 1, formulaOf('below', bound));
    case 'at most':
      return affine(-1, 1, formulaOf('above', bound));
  }
}

function importComparison(comparison: Comparison): Importer {
  return (operation, context) => {
    const isFirst = context.findConstant(operation.node.input[0]) !== undefined;
    const input = context.activation(operation, isFirst ? 1 : 0);
    const bound = oneNumber(operation, context, isFirst ? 0 : 1);
    const formula = formulaOf(isFirst ? OPPOSITE[comparison] : comparison, bound);
    context.emit(operation, { op: 'function', input: input.name, formula }, input.dims, input.order);
  };
}

function importNot(operation: Operation, context: ImportContext): void {
  const input = context.activation(operation, 0);
  context.alias(operation, scaled(operation, context, input, -1, 1));
}

/** condition × a + (1 − condition) × b. */
function importWhere(operation: Operation, context: ImportContext): void {
  const condition = context.activation(operation, 0);
  const otherwise = scaled(operation, context, condition, -1, 1);
  const [a, b] = broadcast(
    operation,
    context,
    chosen(operation, context, 1, condition),
    chosen(operation, context, 2, otherwise),
  );
  context.emit(operation, { op: 'add', inputs: [a.name, b.name], clamp: null }, a.dims, a.order);
}

/** An operand where the gate is 1, and 0 elsewhere. */
function chosen(operation: Operation, context: ImportContext, index: number, gate: Activation): Activation {
  if (context.findConstant(operation.node.input[index]) !== undefined) {
    const values = channelVector(operation, context.weights(operation, index), gate);
    return affine(operation, context, gate, values, new Float64Array(values.length));
  }
  const [values, factors] = broadcast(operation, context, context.activation(operation, index), gate);
  const draft = { op: 'multiply', input: values.name, gate: factors.name, clamp: null } as const;
  return { ...values, name: context.append(operation, draft, shapeOf(values.dims)) };
}

function scaled(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  scale: number,
  offset: number,
): Activation {
  const channels = shapeOf(input.dims)[2];
  const [scales, offsets] = [scale, offset].map((value) => new Float64Array(channels).fill(value));
  return affine(operation, context, input, scales, offsets);
}

function affine(
  operation: Operation,
  context: ImportContext,
  input: Activation,
  scale: Float64Array,
  offset: Float64Array,
): Activation {
  const draft = { op: 'affine', input: input.name, scale, offset } as const;
  return { ...input, name: context.append(operation, draft, shapeOf(input.dims)) };
}

/** By their ONNX names. */
export const CONDITION_IMPORTERS: readonly (readonly [string, Importer])[] = [
  ['Greater', importComparison('above')],
  ['GreaterOrEqual', importComparison('at least')],
  ['Less', importComparison('below')],
  ['LessOrEqual', importComparison('at most')],
  ['Not', importNot],
  ['Where', importWhere],
];
