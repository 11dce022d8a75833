/** A function of one number as ONNX operators, opset 17. */
import type { Quantisation } from '../../model/graph.ts';
import { type Formula, type Joining, named } from '../formula/formula.ts';
import { type FunctionName, NAMED, type NamedFunction } from '../formula/named.ts';
import { clamped } from './operators.ts';
import { DATA_TYPES, type OnnxWriter } from './writer.ts';

const JOINED: Readonly<Record<Joining, string>> = {
  product: 'Mul',
  sum: 'Add',
  minimum: 'Min',
  maximum: 'Max',
};

/** @returns the name of the tensor, which is `name` unless the formula is the number itself */
export function emitFormula(writer: OnnxWriter, name: string, input: string, formula: Formula): string {
  let steps = 0;
  const inner = (of: Formula): string => (of.kind === 'value' ? input : emit(`${name}/step${steps++}`, of));
  const emit = (label: string, step: Formula): string => {
    switch (step.kind) {
      case 'value':
        return input;
      case 'named': {
        const spelled = spelledOut(step.name, step.parameters, step.of);
        if (spelled !== null) return emit(label, spelled);
        const { onnx, attributes }: NamedFunction = NAMED[step.name];
        const values = attributes.map((key, i) => [key, { float: step.parameters[i] }] as const);
        return writer.node(onnx, label, [inner(step.of)], Object.fromEntries(values));
      }
      case 'affine': {
        const scale = writer.floats(`${label}/scale`, [], [step.scale]);
        const scaled = writer.node('Mul', `${label}/scaled`, [inner(step.of), scale]);
        return writer.node('Add', label, [scaled, writer.floats(`${label}/offset`, [], [step.offset])]);
      }
      case 'clamp':
        return clamped(writer, label, inner(step.of), step);
      case 'stored':
        return lookedUp(writer, label, input, step);
      case 'power':
        return writer.node('Pow', label, [
          inner(step.of),
          writer.floats(`${label}/exponent`, [], [step.exponent]),
        ]);
      default:
        return writer.node(JOINED[step.kind], label, [inner(step.left), inner(step.right)]);
    }
  };
  return emit(name, formula);
}

/** Quantised, looked up among bytes, and real again. */
function lookedUp(
  writer: OnnxWriter,
  label: string,
  input: string,
  { input: from, output: to, table }: Extract<Formula, { kind: 'stored' }>,
): string {
  const parameters = (name: string, { scale, zeroPoint }: Quantisation) => [
    writer.floats(`${label}/${name}_scale`, [], [scale]),
    writer.constant(`${label}/${name}_zero_point`, [], Uint8Array.of(zeroPoint)),
  ];
  const bytes = writer.node('QuantizeLinear', `${label}/bytes`, [input, ...parameters('input', from)]);
  const indices = writer.node('Cast', `${label}/indices`, [bytes], { to: DATA_TYPES.int32 });
  const entries = writer.constant(`${label}/table`, [table.length], table);
  const found = writer.node('Gather', `${label}/found`, [entries, indices]);
  return writer.node('DequantizeLinear', label, [found, ...parameters('output', to)]);
}

/** What this operator set has no operator for. */
function spelledOut(name: FunctionName, parameters: readonly number[], of: Formula): Formula | null {
  const times = (left: Formula, right: Formula): Formula => ({ kind: 'product', left, right });
  const affine = (scale: number, offset: number, inner: Formula): Formula => ({
    kind: 'affine',
    scale,
    offset,
    of: inner,
  });
  switch (name) {
    case 'SiLU':
      return times(of, named('sigmoid', [], affine(parameters[0], 0, of)));
    case 'Mish':
      return times(of, named('tanh', [], named('softplus', [], of)));
    case 'GELU':
      return times(affine(0.5, 0, of), affine(1, 1, named('erf', [], affine(Math.SQRT1_2, 0, of))));
    case 'GELU by tanh': {
      const cube: Formula = { kind: 'power', exponent: 3, of };
      const sum: Formula = { kind: 'sum', left: of, right: affine(0.044715, 0, cube) };
      const inner = affine(Math.sqrt(2 / Math.PI), 0, sum);
      return times(affine(0.5, 0, of), affine(1, 1, named('tanh', [], inner)));
    }
    default:
      return null;
  }
}
