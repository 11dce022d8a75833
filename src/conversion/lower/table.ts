import type { Quantisation } from '../../model/graph.ts';
import { evaluateFormula, type Formula } from '../formula/formula.ts';
import { quantiseValue } from '../quantise/layer.ts';

/** The sigmoid of every value that a uint8 tensor can hold, quantised; `maximum`: the largest value that the output uses. */
export function sigmoidTable(
  { scale, zeroPoint }: Quantisation,
  output: Quantisation,
  maximum = 255,
): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, q) =>
    quantiseValue(1 / (1 + Math.exp(-scale * (q - zeroPoint))), output, maximum),
  );
}

/** The same of any function of one number. Where it has no value, which calibration would have met, stands zero. */
export function formulaTable(
  formula: Formula,
  { scale, zeroPoint }: Quantisation,
  output: Quantisation,
  maximum = 255,
): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, q) => {
    const value = evaluateFormula(formula, scale * (q - zeroPoint));
    return quantiseValue(Number.isNaN(value) ? 0 : value, output, maximum);
  });
}
