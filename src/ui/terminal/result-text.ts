import { printable } from '../../errors.ts';
import type { Result } from '../../telehealth/result.ts';
import { colour } from './console.ts';

/** The classes of HAM10000 in words. */
const NAMES: Readonly<Record<string, string>> = {
  akiec: 'actinic keratosis or Bowen’s disease',
  bcc: 'basal cell carcinoma',
  bkl: 'benign keratosis',
  df: 'dermatofibroma',
  mel: 'melanoma',
  nv: 'melanocytic naevus',
  vasc: 'vascular lesion',
  indeterminate: 'no class is probable enough',
  retake: 'take the frame again',
};
const MALIGNANT: ReadonlySet<string> = new Set(['akiec', 'bcc', 'mel']);
const BAR_WIDTH = 28;
const SHOWN_CLASSES = 7;

/** A result for people: several lines of text. */
export function cardOf(result: Result, number: number): string {
  const lines = [headline(result, number), ...bars(result), footnote(result), ''];
  return lines.join('\n');
}

function headline(
  { diagnosis, accepted, reasons, fault, capturedAt, source }: Result,
  number: number,
): string {
  const name = Object.hasOwn(NAMES, diagnosis) ? NAMES[diagnosis] : undefined;
  const paint = accepted ? (MALIGNANT.has(diagnosis) ? colour.red : colour.green) : colour.yellow;
  const why = reasons.length > 0 ? ` (${[...reasons, ...(fault ? [fault] : [])].join(', ')})` : '';
  const time = new Date(capturedAt).toTimeString().slice(0, 8);
  const label = paint(colour.bold(`● ${printable(diagnosis)}`));
  const origin = source === 'phantom' ? ', a phantom' : '';
  return `${label} ${name ?? ''}${why}  ${colour.dim(`capture ${number} at ${time}${origin}`)}`;
}

function bars({ probabilities, diagnosis }: Result): string[] {
  return Object.entries(probabilities)
    .slice(0, SHOWN_CLASSES)
    .map(([name, probability]) => {
      const filled = Math.round(probability * BAR_WIDTH);
      const bar = '█'.repeat(filled) + colour.dim('░'.repeat(BAR_WIDTH - filled));
      const text = `  ${printable(name).padEnd(6)} ${bar} ${(100 * probability).toFixed(1).padStart(5)} %`;
      return name === diagnosis ? colour.bold(text) : text;
    });
}

function footnote({ crop, tiled, timings, backend, id }: Result): string {
  const parts = [
    crop && `crop ${crop.side}×${crop.side} at ${crop.x},${crop.y}`,
    tiled && 'tiled',
    timings &&
      `${timings.total.toFixed(1)} ms on ${backend}, ${timings.inference.toFixed(2)} of them inference`,
    id,
  ];
  return colour.dim(`  ${parts.filter(Boolean).join(' · ')}`);
}
