import { printable } from '../../errors.ts';
import type { CardTriage } from '../../model/bundle/card.ts';
import { tableLines } from '../../ui/terminal/table.ts';

type Figure = CardTriage['groups'][number]['sensitivity'];

interface Figures {
  readonly sensitivity: Figure;
  readonly watchedSensitivity: Figure;
  readonly specificity: Figure;
}

/** What a card says of triage, as lines: the operating point, then the groups on which it was measured. */
export function cardTriageLines(triage: CardTriage): string[] {
  const { split, threshold, promised, groups } = triage;
  const rows = groups.map(({ attribute, name, malignant, benign, ...figures }) =>
    rowOf(`${attribute} ${name} (${malignant} malignant, ${benign} benign)`, figures),
  );
  return [
    `triage    refers from a malignancy of ${threshold.toFixed(4)}, chosen for a sensitivity of ${share(promised)}; measured on ${printable(split)}:`,
    ...tableLines([
      ['', 'sensitivity', 'of the watched class', 'specificity'],
      rowOf('all', triage),
      ...rows,
    ]),
  ];
}

function rowOf(name: string, { sensitivity, watchedSensitivity, specificity }: Figures): string[] {
  return [printable(name), ...[sensitivity, watchedSensitivity, specificity].map(figureText)];
}

function figureText(figure: Figure): string {
  return figure === null ? '–' : `${share(figure.value)} [${share(figure.low)}, ${share(figure.high)}]`;
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}
