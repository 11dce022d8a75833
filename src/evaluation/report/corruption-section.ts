import { type Html, html } from '../../report/html.ts';
import { percent } from '../../report/page.ts';
import type { CorruptionDocument, Estimate } from '../corruption/document.ts';

/** What corrupted photographs cost, as a section of the evaluation's page. */
export function corruptionSection({ corruptions, clean, meanLost, intervals }: CorruptionDocument): Html {
  const rows = corruptions.map(
    ({ name, words, top1, lost, sensitivity, specificity, retakeShare }) =>
      html`<tr><td>${name}</td><td class="words">${words}</td><td>${percent(top1)}</td><td>${points(lost)}</td><td>${percent(sensitivity)}</td><td>${percent(specificity)}</td><td>${percent(retakeShare)}</td></tr>`,
  );
  return html`<h2>What corrupted photographs cost</h2>
<p>Top-1 lost, mean of all: ${points(meanLost)} points.${triageWords(clean)}</p>
<div class="scroll"><table><thead><tr><th>Corruption</th><th class="words">Strength</th><th>Top-1</th><th>Points lost</th><th>Sensitivity</th><th>Specificity</th><th>Sent back</th></tr></thead><tbody>${rows}</tbody></table></div>
<p class="muted">Every photograph is corrupted before the device’s own preprocessing; what its integrity check would send back is read all the same. In brackets: ${Math.round(100 * intervals.level)} % paired bootstrap intervals over ${intervals.unit}s.</p>`;
}

function triageWords({ sensitivity, specificity }: CorruptionDocument['clean']): string {
  if (sensitivity === null && specificity === null) return '';
  return ` Without corruption ${percent(sensitivity)} of the malignant lesions’ images are referred, and ${percent(specificity)} of the others’ are not.`;
}

function points({ value, interval: [low, high] }: Estimate): string {
  return `${(100 * value).toFixed(1)} [${(100 * low).toFixed(1)}, ${(100 * high).toFixed(1)}]`;
}
