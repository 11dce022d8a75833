import { printable } from '../../errors.ts';
import type { ClassTable } from '../../model/bundle/class-table.ts';
import type { Result } from '../../telehealth/result.ts';
import { painted, wordsOf } from './class-text.ts';
import { colour } from './console.ts';

const BAR_WIDTH = 28;
const SHOWN_CLASSES = 7;

/** A result for people: several lines of text. @param table of the model that read it */
export function cardOf(result: Result, number: number, table: ClassTable): string {
  const lines = [headline(result, number, table), ...bars(result), footnote(result), ''];
  return lines.join('\n');
}

function headline(result: Result, number: number, table: ClassTable): string {
  const { diagnosis, reasons, fault, capturedAt, source } = result;
  const why = reasons.length > 0 ? ` (${[...reasons, ...(fault ? [fault] : [])].join(', ')})` : '';
  const time = new Date(capturedAt).toTimeString().slice(0, 8);
  const label = painted(`● ${printable(diagnosis)}`, result, table);
  const origin = source === 'phantom' ? ', a phantom' : '';
  const words = `${wordsOf(diagnosis, table)}${why}`;
  return `${label} ${words}  ${colour.dim(`capture ${number} at ${time}${origin}`)}`;
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
