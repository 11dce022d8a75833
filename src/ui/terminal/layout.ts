import { widthOf } from './table.ts';

/** Columns of the terminal that shows the results; without end where nobody says. */
export function columns(): number {
  return process.stdout.columns || process.stderr.columns || Number.POSITIVE_INFINITY;
}

/**
 * Parts of a line with dots between them, broken between parts where the terminal is narrow.
 * @param indent before every line
 */
export function joined(parts: readonly string[], indent = '', width = columns()): string {
  const lines: string[] = [];
  for (const part of parts) {
    const longer = lines.length === 0 ? null : `${lines[lines.length - 1]} · ${part}`;
    if (longer !== null && widthOf(longer) <= width) lines[lines.length - 1] = longer;
    else lines.push(indent + part);
  }
  return lines.join('\n');
}

/** `1 case`, `2 cases`. @param one the thing in the singular */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}

/** A share of 0…1 as `81.5 %`. */
export function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
