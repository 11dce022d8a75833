import type { Charts } from '../../report/charts.ts';
import { type Html, html } from '../../report/html.ts';
import { fixed, page, percent } from '../../report/page.ts';
import type { Calibration, Choice, Fit } from '../calibration/calibrate.ts';
import type { CalibrationDocument } from '../calibration/document.ts';

/** The page of one calibration, self-contained; no photographs. */
export function calibrationPage(
  document: CalibrationDocument,
  { uncalibrated, calibrated }: Pick<Calibration, 'uncalibrated' | 'calibrated'>,
  charts: Charts,
  madeAt: string,
): string {
  const { model, dataset, split, n } = document;
  return page(
    `Calibration of ${model.name} ${model.version}`,
    html`<header>
<h1>Calibration of ${model.name} ${model.version}</h1>
<p class="muted">${n} images of ${dataset.name}, split ${split} · ${document.crop.enabled ? 'saliency crop' : 'centred square'} · ${madeAt.slice(0, 10)}</p>
</header>
<dl class="figures">
${figure('Calibration error before', fixed(uncalibrated.ece), 'plain softmax of the logits')}
${figure('Calibration error after', fixed(calibrated.ece), `α = ${calibrated.alpha.toExponential(4)}`)}
${figure('Sharpening', `× ${fixed(calibrated.alpha / uncalibrated.alpha)}`, 'α over the scale of the logits')}
${figure('Tiling triggers on', percent(document.tiling.triggerShare), `τ = ${fixed(document.tiling.tau)}`)}
${figure('Indeterminate', percent(document.indeterminateShare), 'below every threshold')}
</dl>
<h2>Before and after</h2>
<div class="charts">
<figure>${charts.reliability(uncalibrated.reliability)}<figcaption>Before: plain softmax. ${fitWords(uncalibrated)}</figcaption></figure>
<figure>${charts.reliability(calibrated.reliability)}<figcaption>After: softmax with the fitted α. ${fitWords(calibrated)}</figcaption></figure>
</div>
<p class="muted">On the images it was fitted on, without tiling, every lesion counting once, as a clinician takes one capture of a lesion; <code>spikescope evaluate</code> says what it is worth on other images, each counting once.</p>
<h2>Thresholds</h2>
${thresholdTable(document)}
<h2>What the evidence decided</h2>
<table><thead><tr><th>Way of reading</th><th>Top-1 without</th><th>Top-1 with</th><th>Macro F1 without</th><th>Macro F1 with</th><th>Default</th></tr></thead>
<tbody>${[choiceRow('Saliency crop', document.crop), choiceRow('Tiling when unsure', document.tiling)]}</tbody></table>
<p class="muted">On by default only where neither figure falls and one rises on this split, unless an option told otherwise.</p>
<footer class="muted"><p>Not a medical device. Made by <code>spikescope calibrate</code> on ${madeAt}. Digest <code>${document.written.digest}</code>.</p></footer>`,
  );
}

function figure(name: string, value: string, remark: string): Html {
  return html`<div class="figure"><dt>${name}</dt><dd class="value">${value}</dd><dd class="interval">${remark}</dd></div>`;
}

function fitWords({ ece, negativeLogLikelihood }: Fit): string {
  return `ECE ${fixed(ece)}, negative log-likelihood ${fixed(negativeLogLikelihood)} per lesion.`;
}

function thresholdTable({ thresholds, operatingPoints }: CalibrationDocument): Html {
  const rows = Object.entries(thresholds).map(([name, { threshold, sensitivity }]) => {
    const asked = operatingPoints[name];
    const origin = asked === undefined ? 'most images told rightly' : `sensitivity of at least ${asked}`;
    return html`<tr><td>${name}</td><td>${fixed(threshold)}</td><td>${percent(sensitivity)}</td><td class="words">${origin}</td></tr>`;
  });
  return html`<table><thead><tr><th>Class</th><th>Threshold</th><th>Sensitivity</th><th class="words">Fitted for</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function choiceRow(name: string, choice: Choice): Html {
  const decision = `${choice.enabled ? 'on' : 'off'}${choice.decidedBy === 'option' ? ' (told)' : ''}`;
  return html`<tr><td>${name}</td><td>${percent(choice.without.top1, 2)}</td><td>${percent(choice.with.top1, 2)}</td><td>${percent(choice.without.macroF1, 2)}</td><td>${percent(choice.with.macroF1, 2)}</td><td>${decision}</td></tr>`;
}
