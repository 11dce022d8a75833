/** The page of a training: what was reached, and the curves of its stages. */
import path from 'node:path';
import type { Checkpoint } from '../../model/checkpoint/format.ts';
import type { Charts } from '../../report/charts.ts';
import { type Html, html } from '../../report/html.ts';
import { fixed, page, percent } from '../../report/page.ts';
import { STAGE_FILES } from './files.ts';
import { type EpochEntry, readLog } from './log.ts';
import type { StageName } from './train.ts';

const STAGES: readonly [StageName, string][] = [
  ['float', 'Float stage'],
  ['quantised', 'Quantised stage'],
];

export async function trainingPage(folder: string, result: Checkpoint, charts: Charts): Promise<string> {
  const stages = await Promise.all(
    STAGES.map(async ([name, title]) =>
      stageSection(title, await readLog(path.join(folder, name, STAGE_FILES.log)), charts),
    ),
  );
  const { architecture, quantisation, progress, metrics } = result;
  return page(
    `Training of ${architecture.name}`,
    html`<header>
<h1>Training of ${architecture.name}</h1>
<p class="muted">${quantisation === null ? 'float' : 'quantisation-aware'} · seed ${progress.seed} · figures on the validation split</p>
</header>
<dl class="figures">${Object.entries(metrics).map(
      ([name, value]) =>
        html`<div class="figure"><dt>${name}</dt><dd class="value">${fixed(value)}</dd></div>`,
    )}</dl>
${stages}`,
  );
}

function stageSection(title: string, log: readonly EpochEntry[], charts: Charts): Html {
  if (log.length === 0) return html``;
  const curve = (name: string, value: (entry: EpochEntry) => number) =>
    log.map((entry) => ({ epoch: entry.epoch, value: value(entry), name }));
  const best = log.reduce((a, b) => (b.validation.macroF1 > a.validation.macroF1 ? b : a));
  return html`<h2>${title}</h2>
<p>${log.length} epochs. Best macro F1 ${percent(best.validation.macroF1)} in epoch ${best.epoch}, top-1 ${percent(best.validation.top1)} there.</p>
<div class="charts">
<figure>${charts.curves([...curve('top-1', ({ validation }) => validation.top1), ...curve('macro F1', ({ validation }) => validation.macroF1)], 'Share')}
<figcaption>Validation, as the averaged weights answer.</figcaption></figure>
<figure>${charts.curves(
    curve('loss', ({ loss }) => loss),
    'Loss',
  )}
<figcaption>Training loss, mean of each epoch.</figcaption></figure>
<figure>${charts.curves(
    curve('rate', ({ rate }) => rate),
    'Learning rate',
  )}
<figcaption>Learning rate at the end of each epoch.</figcaption></figure>
</div>`;
}
