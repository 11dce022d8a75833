/** Tables of figures with their intervals, for Markdown and pages. */
import type { Difference } from '../statistics/difference.ts';
import type { Interval } from '../statistics/resampling.ts';

export interface Table {
  readonly header: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export function markdownTable({ header, rows }: Table): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  return [line(header), line(header.map(() => '---')), ...rows.map(line)].join('\n');
}

/** `81.2 % [79.0 %, 83.1 %]` */
export function withInterval(
  value: number | null,
  interval: Interval | null,
  format: (value: number | null) => string,
): string {
  return interval === null
    ? format(value)
    : `${format(value)} [${interval.map((end) => format(end)).join(', ')}]`;
}

/** A difference of shares in points, signed: `+1.2 [−0.4, +2.9]`. */
export function pointsCell({ value, interval }: Difference): string {
  if (value === null || interval === null) return '–';
  return `${points(value)} [${interval.map(points).join(', ')}]`;
}

function points(share: number): string {
  return `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)}`;
}
