import { printable } from '../../errors.ts';
import { colour } from '../../ui/terminal/console.ts';
import { tableLines } from '../../ui/terminal/table.ts';
import { programLines } from '../shared/card-programs.ts';
import type { InspectDocument } from './document.ts';

/** What a bundle has for Akida cards, as lines: the chip's numbers of each layer, and the programs; nothing without them. */
export function akidaLines({
  akida1,
  akidaPrograms,
}: Pick<InspectDocument, 'akida1' | 'akidaPrograms'>): string[] {
  if (akida1 === null) return [];
  const layers = akida1.layers.map(({ name, thresholds, steps }) => [
    printable(name),
    String(thresholds.length),
    rangeOf(thresholds, 0),
    rangeOf(steps, 1),
  ]);
  const head = ['head', String(akida1.shifts.length), `shifts ${rangeOf(akida1.shifts, 0)}`];
  return [
    `${colour.bold('akida 1.0')}  the chip’s thresholds and steps, in potentials`,
    ...indented(tableLines([['layer', 'channels', 'thresholds', 'steps'], ...layers, head])),
    ...(akidaPrograms.length === 0
      ? ['  no program for a card; `spikescope export --format akida --into-bundle` compiles them']
      : indented(programLines(akidaPrograms))),
    '',
  ];
}

function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}

function rangeOf(values: readonly number[], digits: number): string {
  if (values.length === 0) return '';
  const least = values.reduce((a, b) => Math.min(a, b));
  const most = values.reduce((a, b) => Math.max(a, b));
  return `${least.toFixed(digits)} … ${most.toFixed(digits)}`;
}
