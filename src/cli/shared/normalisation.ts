/** `--mean` and `--std`: what a network from elsewhere was trained on. */
import { Option } from 'commander';
import type { Normalisation } from '../../conversion/fold/input.ts';
import { UsageError } from '../../errors.ts';

export function meanOption(): Option {
  return new Option(
    '--mean <values>',
    'mean per channel in 0…1 that the network was trained with, for example 0.485,0.456,0.406',
  );
}

export function stdOption(): Option {
  return new Option('--std <values>', 'standard deviation per channel, likewise');
}

/** @throws UsageError `NORMALISATION` */
export function normalisationOf(
  mean: string | undefined,
  std: string | undefined,
): Normalisation | undefined {
  if (mean === undefined && std === undefined) return undefined;
  const isSmall = (value: number) => Math.abs(value) <= 1;
  const isDeviation = (value: number) => value > 0 && value <= 1;
  return {
    mean: channelValues('--mean', mean ?? '0', isSmall, 'values of at most 1'),
    std: channelValues('--std', std ?? '1', isDeviation, 'values above 0, at most 1'),
  };
}

/** One number for all channels, or three. */
function channelValues(
  option: string,
  text: string,
  accepts: (value: number) => boolean,
  expected: string,
): readonly number[] {
  const values = text.split(',').map((part) => (part.trim() === '' ? Number.NaN : Number(part)));
  if (
    (values.length !== 1 && values.length !== 3) ||
    !values.every((v) => Number.isFinite(v) && accepts(v))
  ) {
    throw new UsageError('NORMALISATION', 'The normalisation is not one number per channel', {
      field: option,
      expected: `one number or three, ${expected}, in units of the 0…1 range`,
      received: text,
      remedy: 'divide values for 0…255 by 255',
    });
  }
  return values.length === 3 ? values : [values[0], values[0], values[0]];
}
