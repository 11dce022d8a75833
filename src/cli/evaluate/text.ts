import { printable } from '../../errors.ts';
import type { CorruptionDocument, Estimate } from '../../evaluation/corruption/document.ts';
import type { EvaluationDocument } from '../../evaluation/document.ts';
import { LEAKAGE_SENTENCE, type SideBySide } from '../../evaluation/protocols/side-by-side.ts';
import { PROTOCOLS } from '../../evaluation/protocols/stored-figures.ts';
import type { Refusals } from '../../evaluation/scope/evaluate.ts';
import { fixed, percent } from '../../report/page.ts';
import type { Figures } from '../../statistics/figures.ts';
import type { Summary } from '../../statistics/metrics.ts';
import { colour } from '../../ui/terminal/console.ts';
import { counted } from '../../ui/terminal/layout.ts';
import { tableLines } from '../../ui/terminal/table.ts';
import { triageLines } from './triage-text.ts';

const HEADLINES: readonly [keyof Summary, string, (value: number | null) => string][] = [
  ['top1', 'Top-1', (value) => percent(value, 2)],
  ['macroF1', 'Macro F1', (value) => percent(value, 2)],
  ['balancedAccuracy', 'Balanced accuracy', (value) => percent(value, 2)],
  ['macroAuc', 'Macro AUC', (value) => fixed(value, 4)],
  ['ece', 'ECE', (value) => fixed(value, 4)],
];

const PROTOCOL_WORDS: Readonly<Record<EvaluationDocument['protocol'], string>> = {
  lesion: 'no lesion in two splits',
  image: 'lesions unknown or in more than one split',
  paper: 'test rows of the paper protocol, which leaks',
};

/** The metrics for people, as lines. */
export function evaluationLines(document: EvaluationDocument): string[] {
  const { model, dataset, settings, split, n, protocol } = document;
  return [
    colour.bold(
      printable(`${model.name} ${model.version} on ${dataset.name}, ${split}: ${counted(n, 'image')}`),
    ),
    colour.dim(
      [
        PROTOCOL_WORDS[protocol],
        settings.crop ? 'saliency crop' : 'centred square',
        settings.tiling ? `tiling (${percent(document.tiledShare)} of the images)` : 'no tiling',
      ].join(', '),
    ),
    '',
    ...headlineLines(document, document.float),
    '',
    ...triageLines(document.triage),
    '',
    ...protocolLines(document.protocols),
    '',
    ...classLines(document),
    '',
    ...confusionLines(document),
    '',
    ...(document.corruption === undefined ? [] : [...corruptionLines(document.corruption), '']),
    ...remarkLines(document),
  ];
}

function headlineLines(figures: Figures, float: Figures | undefined): string[] {
  const interval = `${Math.round(100 * figures.intervals.level)} % interval`;
  const header = ['', 'value', interval, ...(float === undefined ? [] : ['float'])];
  const rows = HEADLINES.map(([key, label, format]) => {
    const range = figures.intervals.values[key];
    return [
      label,
      colour.bold(format(figures[key])),
      range === null ? '–' : `${format(range[0])} … ${format(range[1])}`,
      ...(float === undefined ? [] : [format(float[key])]),
    ];
  });
  return tableLines([header.map(colour.dim), ...rows]);
}

function protocolLines(protocols: SideBySide): string[] {
  const rows = PROTOCOLS.map((protocol) => {
    const { figures } = protocols[protocol];
    return figures === null
      ? [protocol, 'not available']
      : [protocol, ...HEADLINES.map(([key, , format]) => format(figures[key])), String(figures.n)];
  });
  const reasons = PROTOCOLS.flatMap((protocol) => {
    const known = protocols[protocol];
    return known.figures === null ? [colour.dim(`${protocol}: ${known.reason}`)] : [];
  });
  return [
    ...tableLines([['protocol', ...HEADLINES.map(([, label]) => label), 'n'].map(colour.dim), ...rows]),
    ...reasons,
    colour.dim(LEAKAGE_SENTENCE),
  ];
}

function classLines({ classes, perClass }: EvaluationDocument): string[] {
  const header = ['class', 'images', 'precision', 'recall', 'F1', 'AUC'].map(colour.dim);
  const rows = classes.map((name) => {
    const { support, precision, recall, f1, auc } = perClass[name];
    return [printable(name), String(support), percent(precision), percent(recall), percent(f1), fixed(auc)];
  });
  return tableLines([header, ...rows]);
}

function confusionLines({ classes, confusion }: EvaluationDocument): string[] {
  const header = ['true \\ named', ...classes.map(printable)].map(colour.dim);
  const rows = confusion.map((row, t) => {
    const support = row.reduce((sum, count) => sum + count, 0);
    return [printable(classes[t]), ...row.map((count, n) => shaded(count, support, t === n))];
  });
  return tableLines([header, ...rows]);
}

function shaded(count: number, support: number, right: boolean): string {
  if (count === 0) return colour.dim('·');
  if (right) return colour.green(String(count));
  return count > support / 5 ? colour.red(String(count)) : String(count);
}

function corruptionLines({ corruptions, clean, meanLost }: CorruptionDocument): string[] {
  const header = ['corruption', 'Top-1', 'points lost', '', 'sensitivity', 'specificity', 'sent back'];
  const rows = corruptions.map(({ name, top1, lost, sensitivity, specificity, retakeShare }) => [
    ...[name, percent(top1, 2), ...estimateCells(lost)],
    ...[percent(sensitivity), percent(specificity), percent(retakeShare)],
  ]);
  return tableLines([
    header.map(colour.dim),
    ...rows,
    [colour.bold('mean'), '', ...estimateCells(meanLost)],
    ['none', '', '', '', percent(clean.sensitivity), percent(clean.specificity)],
  ]);
}

function estimateCells({ value, interval: [low, high] }: Estimate): string[] {
  const points = (share: number) => (100 * share).toFixed(2);
  return [colour.bold(points(value)), `${points(low)} … ${points(high)}`];
}

function remarkLines(document: EvaluationDocument): string[] {
  const { dataset, retakes, agreement, float } = document;
  const remarks = [
    `Indeterminate (below every threshold): ${percent(document.indeterminateShare)}`,
    ...(document.unfamiliarShare === null
      ? []
      : [`Unfamiliar, with softened probabilities: ${percent(document.unfamiliarShare)}`]),
    `The device would send back ${retakes.count} (${percent(retakes.share)}); they are in the figures all the same${reasonList(retakes.reasons)}`,
  ];
  if (float !== undefined && agreement !== undefined) {
    remarks.push(`Same winning class as ${printable(float.source)}: ${percent(agreement, 2)}`);
  }
  if (dataset.missing.length > 0) remarks.push(`Without a file: ${named(dataset.missing)}`);
  if (dataset.unreadable.length > 0) {
    remarks.push(`Unreadable: ${named(dataset.unreadable.map(({ imageId }) => imageId))}`);
  }
  return [...remarks, ...nothingLines(document)];
}

function reasonList(reasons: EvaluationDocument['retakes']['reasons']): string {
  const counts = Object.entries(reasons).map(([reason, count]) => `${reason} ${count}`);
  return counts.length === 0 ? '' : ` (${counts.join(', ')})`;
}

function nothingLines({ nothing }: EvaluationDocument): string[] {
  if (nothing === undefined) return [];
  const { frames, byKind, pictures } = nothing;
  const row = (name: string, { n, share, interval: [low, high] }: Refusals) => [
    printable(name),
    String(n),
    percent(share),
    `${percent(low)} … ${percent(high)}`,
  ];
  return [
    '',
    ...tableLines([
      ['without a lesion', 'frames', 'refused', '95 % interval'].map(colour.dim),
      row('all drawn frames', frames),
      ...Object.entries(byKind).map(([kind, refusals]) => row(`  ${kind}`, refusals)),
      ...(pictures === null ? [] : [row('pictures of the folder', pictures)]),
    ]),
  ];
}

function named(identifiers: readonly string[]): string {
  return `${identifiers.length} (${printable(identifiers.slice(0, 5).join(', '))}${identifiers.length > 5 ? ', …' : ''})`;
}
