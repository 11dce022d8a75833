/** Both protocols beside each other, and what the second leaks. */

import { type Html, html } from '../../report/html.ts';
import { fixed, percent } from '../../report/page.ts';
import type { EvaluationDocument } from '../document.ts';
import { LEAKAGE_PARAGRAPH, type SideBySide } from '../protocols/side-by-side.ts';
import { PROTOCOLS, type Protocol, type ProtocolFigures } from '../protocols/stored-figures.ts';

const TITLES: Readonly<Record<Protocol, string>> = {
  lesion: 'lesion: no lesion in two splits, nothing fitted on test',
  paper: 'paper: the publication’s own procedure, which leaks',
};

export function protocolSection({ protocols }: EvaluationDocument): Html {
  return html`<h2>Two protocols</h2>
<table><thead><tr><th>Protocol</th><th>n</th><th>Top-1</th><th>Macro F1</th><th>Balanced accuracy</th><th>Macro AUC</th><th>ECE</th></tr></thead>
<tbody>${PROTOCOLS.map((protocol) => rowOf(protocol, protocols))}
<tr><td>published, of its own procedure</td><td>–</td><td>91.6 %</td><td>82.4 %</td><td>–</td><td>–</td><td>–</td></tr></tbody></table>
<p>${LEAKAGE_PARAGRAPH}</p>
${leakageWords(protocols)}`;
}

function rowOf(protocol: Protocol, protocols: SideBySide): Html {
  const known = protocols[protocol];
  if (known.figures === null) {
    return html`<tr><td>${TITLES[protocol]}</td><td colspan="6" class="words">not available: ${known.reason}</td></tr>`;
  }
  const { figures } = known;
  return html`<tr><td>${TITLES[protocol]}${known.source === 'stored' ? ' (stored)' : ''}</td><td>${figures.n}</td><td>${cell(figures, 'top1', percent)}</td><td>${cell(figures, 'macroF1', percent)}</td><td>${cell(figures, 'balancedAccuracy', percent)}</td><td>${cell(figures, 'macroAuc', fixed)}</td><td>${cell(figures, 'ece', fixed)}</td></tr>`;
}

function cell(
  figures: ProtocolFigures,
  key: keyof ProtocolFigures['intervals'],
  format: (value: number | null) => string,
): string {
  const interval = figures.intervals[key];
  const value = format(figures[key]);
  return interval === null ? value : `${value} [${format(interval[0])}, ${format(interval[1])}]`;
}

/** What leaked in the training behind the stored figures, counted. */
function leakageWords({ paper }: SideBySide): Html | null {
  if (paper.figures === null || paper.source !== 'stored') return null;
  const { leakage, training } = paper.entry;
  return html`<p class="muted">In the training behind these figures (${training.network} at ${training.inputSize}×${training.inputSize} pixels, ${training.epochs} epochs of ${leakage.trainRows} rows and ${training.syntheticImages} synthetic images, seed ${training.seed}) ${percent(leakage.copies)} of the test rows are altered copies, ${percent(leakage.sharedImage)} show a photograph that training has too, and ${percent(leakage.sharedLesion)} a lesion that training has too.</p>`;
}
