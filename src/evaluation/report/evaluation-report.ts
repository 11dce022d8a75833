import type { Charts } from '../../report/charts.ts';
import { type Html, html } from '../../report/html.ts';
import { fixed, page, percent } from '../../report/page.ts';
import type { TriageCharts } from '../../report/triage-charts.ts';
import type { Figures } from '../../statistics/figures.ts';
import type { Summary } from '../../statistics/metrics.ts';
import type { ReliabilityBin } from '../../statistics/reliability.ts';
import type { Interval } from '../../statistics/resampling.ts';
import type { EvaluationDocument } from '../document.ts';
import { corruptionSection } from './corruption-section.ts';
import { nothingSection } from './nothing-section.ts';
import { protocolSection } from './protocol-section.ts';
import { triageSection } from './triage-section.ts';

/** A wrong answer, shown with its picture. */
export interface Mistake {
  readonly imageId: string;
  readonly truth: string;
  readonly named: string;
  readonly confidence: number;
  /** Data URI, null when the picture could not be drawn. */
  readonly thumbnail: string | null;
}

export interface EvaluationReport {
  readonly document: EvaluationDocument;
  readonly reliability: readonly ReliabilityBin[];
  /** The surest wrong answers, surest first. */
  readonly mistakes: readonly Mistake[];
  /** ISO 8601. */
  readonly madeAt: string;
}

const HEADLINES: readonly [keyof Summary, string, (value: number | null) => string][] = [
  ['top1', 'Top-1 accuracy', percent],
  ['macroF1', 'Macro F1', percent],
  ['balancedAccuracy', 'Balanced accuracy', percent],
  ['macroAuc', 'Macro AUC', (value) => fixed(value)],
  ['ece', 'Calibration error (ECE)', (value) => fixed(value)],
];

/** The page of one evaluation, self-contained. */
export function evaluationPage(report: EvaluationReport, charts: Charts & TriageCharts): string {
  const { document, reliability, mistakes, madeAt } = report;
  const { model, dataset } = document;
  return page(
    `Evaluation of ${model.name} ${model.version} on ${dataset.name}`,
    html`<header>
<h1>${model.name} ${model.version} on ${dataset.name}, ${splitName(document.split)}</h1>
<p class="muted">${document.n} images · ${PROTOCOL_WORDS[document.protocol]} · ${settingsWords(document)} · ${madeAt.slice(0, 10)}</p>
</header>
<dl class="figures">${HEADLINES.map((headline) => headlineOf(document, ...headline))}</dl>
<p class="muted">${intervalWords(document)}</p>
${document.triage === null ? null : triageSection(document.triage, charts)}
${protocolSection(document)}
<h2>What is taken for what</h2>
<div class="charts">
<figure>${charts.confusion(document.classes, document.confusion)}
<figcaption>Numbers of images; a cell is shaded by its share of the true class.</figcaption></figure>
<div class="scroll">${classTable(document)}</div>
</div>
<h2>How far confidence can be trusted</h2>
<div class="charts">
<figure>${charts.reliability(reliability)}
<figcaption>Bars: share of right answers per confidence bin. The dashed line is perfect calibration, the red strokes the distance to it.</figcaption></figure>
<figure>${charts.confidence(reliability)}
<figcaption>How many answers fall into each bin: right in green, wrong in red.</figcaption></figure>
</div>
${document.float === undefined ? null : floatSection(document, document.float)}
${document.corruption === undefined ? null : corruptionSection(document.corruption)}
${mistakeSection(mistakes)}
${nothingSection(document)}
<h2>Behind the figures</h2>
${factsTable(document)}
<footer class="muted"><p>Not a medical device. Made by <code>spikescope evaluate</code> on ${madeAt}.</p></footer>`,
  );
}

function splitName(split: string): string {
  const names: Readonly<Record<string, string>> = {
    train: 'training split',
    val: 'validation split',
    test: 'test split',
    all: 'all images',
  };
  return names[split] ?? split;
}

const PROTOCOL_WORDS: Readonly<Record<EvaluationDocument['protocol'], string>> = {
  lesion: 'no lesion lies in two splits',
  image: 'lesions unknown or in more than one split',
  paper: 'test rows of the paper protocol, which leaks',
};

function settingsWords({ settings }: EvaluationDocument): string {
  return `${settings.crop ? 'saliency crop' : 'centred square'}, ${settings.tiling ? 'tiling when unsure' : 'no tiling'}`;
}

function intervalWords({ intervals }: Figures): string {
  return `In brackets: ${Math.round(100 * intervals.level)} % bootstrap intervals, ${intervals.resamples} resamples of ${intervals.units} ${intervals.unit}s.`;
}

function headlineOf(
  figures: Figures,
  key: keyof Summary,
  label: string,
  format: (value: number | null) => string,
): Html {
  const interval = figures.intervals.values[key];
  return html`<div class="figure"><dt>${label}</dt><dd class="value">${format(figures[key])}</dd>
<dd class="interval">${interval === null ? '' : intervalText(interval, format)}</dd></div>`;
}

function intervalText([low, high]: Interval, format: (value: number | null) => string): string {
  return `[${format(low)}, ${format(high)}]`;
}

function classTable({ classes, perClass }: EvaluationDocument): Html {
  return html`<table><thead><tr><th>Class</th><th>Images</th><th>Precision</th><th>Recall</th><th>F1</th><th>AUC</th></tr></thead>
<tbody>${classes.map((name) => {
    const { support, precision, recall, f1, auc } = perClass[name];
    return html`<tr><td>${name}</td><td>${support}</td><td>${percent(precision)}</td><td>${percent(recall)}</td><td>${percent(f1)}</td><td>${fixed(auc)}</td></tr>`;
  })}</tbody></table>`;
}

function floatSection(document: EvaluationDocument, float: Figures & { source: string }): Html {
  const rows = HEADLINES.map(([key, label, format]) => {
    const [integer, real] = [document[key], float[key]];
    const difference = integer === null || real === null ? '–' : signed(100 * (integer - real));
    return html`<tr><td>${label}</td><td>${finer(format, integer)}</td><td>${finer(format, real)}</td><td>${difference}</td></tr>`;
  });
  return html`<h2>Against the float model</h2>
<p>${float.source} on exactly the same inputs, run by onnxruntime. The winning class is the same in ${percent(document.agreement ?? null, 2)} of the images (before tiling).</p>
<table><thead><tr><th>Figure</th><th>Integer engine</th><th>Float</th><th>Difference, points</th></tr></thead><tbody>${rows}</tbody></table>
<p class="muted">Calibration differs by design: the float model’s softmax is uncalibrated.</p>`;
}

/** Two more digits than the headline needs, since the difference is small. */
function finer(format: typeof percent | typeof fixed, value: number | null): string {
  return format === percent ? percent(value, 2) : fixed(value, 4);
}

function signed(points: number): string {
  return `${points < 0 ? '−' : '+'}${Math.abs(points).toFixed(2)}`;
}

function mistakeSection(mistakes: readonly Mistake[]): Html | null {
  if (mistakes.length === 0) return null;
  return html`<h2>The surest mistakes</h2>
<p class="notice">This file holds photographs of patients’ skin. Keep it on this machine; do not send or publish it.</p>
<ul class="thumbnails">${mistakes.map(mistakeItem)}</ul>`;
}

function mistakeItem({ imageId, truth, named, confidence, thumbnail }: Mistake): Html {
  const picture =
    thumbnail === null
      ? html`<div class="blank">no picture</div>`
      : html`<img src="${thumbnail}" alt="${imageId}">`;
  return html`<li>${picture}<div class="caption"><span class="truth">${truth}</span> taken for <span class="named">${named}</span>, ${percent(confidence, 0)}\u00a0sure<br><code>${imageId}</code></div></li>`;
}

function factsTable(document: EvaluationDocument): Html {
  const { model, dataset, retakes } = document;
  const reasons = Object.entries(retakes.reasons).map(([reason, count]) => `${reason} ${count}`);
  const facts: [string, string][] = [
    ['Model', `${model.name} ${model.version}, digest ${model.digest}`],
    ['Backend', document.backend],
    ['Images', `${document.n} read of ${dataset.images} in the split`],
    ['Without a file', dataset.missing.length === 0 ? 'none' : listed(dataset.missing)],
    [
      'Unreadable',
      dataset.unreadable.length === 0 ? 'none' : listed(dataset.unreadable.map(({ imageId }) => imageId)),
    ],
    [
      'Sent back by the device',
      `${retakes.count} (${percent(retakes.share)})${reasons.length > 0 ? `: ${reasons.join(', ')}` : ''}; read all the same here`,
    ],
    ['Tiled', percent(document.tiledShare)],
    ['Below every threshold (indeterminate)', percent(document.indeterminateShare)],
    ...unfamiliarFact(document),
    ['Split CSV', dataset.splitFile ?? 'none'],
  ];
  return html`<table><tbody>${facts.map(([name, value]) => html`<tr><td>${name}</td><td class="words">${value}</td></tr>`)}</tbody></table>`;
}

function unfamiliarFact({ unfamiliarShare }: EvaluationDocument): [string, string][] {
  return unfamiliarShare === null
    ? []
    : [['Unfamiliar, with softened probabilities', percent(unfamiliarShare)]];
}

function listed(names: readonly string[]): string {
  const shown = names.slice(0, 20).join(', ');
  return `${names.length}: ${shown}${names.length > 20 ? ' and more' : ''}`;
}
