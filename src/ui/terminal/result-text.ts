import { printable } from '../../errors.ts';
import type { ClassTable } from '../../model/bundle/class-table.ts';
import { isUnfamiliar, judgementOf, type Result } from '../../telehealth/result.ts';
import { painted, paintedTriage, triageWords, wordsOf } from './class-text.ts';
import { colour } from './console.ts';
import { columns, joined } from './layout.ts';
import { reasonsInWords, UNFAMILIAR } from './reason-text.ts';
import { widthOf } from './table.ts';

const BAR_WIDTH = 28;
/** Columns of a bar's line beside the bar: indent, class, share, and what stands between them. */
const BESIDE_BAR = 18;
const SHOWN_CLASSES = 7;

/** A result for people: several lines of text. @param table of the model that read it */
export function cardOf(result: Result, number: number, table: ClassTable): string {
  const lines = [headline(result, number, table), ...bars(result), footnote(result), ''];
  return lines.join('\n');
}

function headline(result: Result, number: number, table: ClassTable): string {
  const { diagnosis, reasons, fault, capturedAt, source } = result;
  const why =
    reasons.length > 0 ? ` (${[reasonsInWords(reasons), ...(fault ? [fault] : [])].join(', ')})` : '';
  const time = new Date(capturedAt).toTimeString().slice(0, 8);
  const origin = source === 'phantom' ? ', a phantom' : '';
  const strange = isUnfamiliar(result) ? `, ${UNFAMILIAR}` : '';
  const what = `${leading(result, table)} ${wordsOf(diagnosis, table)}${strange}${why}`;
  const which = colour.dim(`capture ${number} at ${time}${origin}`);
  const isNarrow = widthOf(what.slice(what.lastIndexOf('\n') + 1)) + 2 + widthOf(which) > columns();
  return isNarrow ? `${what}\n  ${which}` : `${what}  ${which}`;
}

/** What to do stands before what it may be. */
function leading(result: Result, table: ClassTable): string {
  const label = painted(`● ${printable(result.diagnosis)}`, result, table);
  const judgement = judgementOf(result);
  if (judgement === null) return label;
  const { triage, malignancy } = judgement;
  const share = malignancy === null ? '' : ` (malignancy ${(100 * malignancy).toFixed(0)} %)`;
  return `${paintedTriage(`▲ ${triage}`, triage)} ${triageWords(triage)}${share}\n${label}`;
}

function bars({ probabilities, diagnosis }: Result): string[] {
  const width = Math.max(0, Math.min(BAR_WIDTH, columns() - BESIDE_BAR));
  return Object.entries(probabilities)
    .slice(0, SHOWN_CLASSES)
    .map(([name, probability]) => {
      const filled = Math.round(probability * width);
      const bar = '█'.repeat(filled) + colour.dim('░'.repeat(width - filled));
      const text = `  ${printable(name).padEnd(6)} ${bar} ${(100 * probability).toFixed(1).padStart(5)} %`;
      return name === diagnosis ? colour.bold(text) : text;
    });
}

function footnote({ crop, tiled, timings, backend, id }: Result): string {
  const parts = [
    crop && `crop ${crop.side}×${crop.side} at ${crop.x},${crop.y}`,
    tiled && 'tiled',
    ...(timings ? durations(timings, backend) : []),
    id,
  ];
  const shown = parts.filter((part): part is string => typeof part === 'string');
  return colour.dim(joined(shown, '  '));
}

/** One part where it fits a line, else two. */
function durations({ total, inference }: NonNullable<Result['timings']>, backend: string): string[] {
  const parts = [`${total.toFixed(1)} ms on ${backend}`, `${inference.toFixed(2)} of them inference`];
  const whole = parts.join(', ');
  return whole.length + 2 > columns() ? parts : [whole];
}
