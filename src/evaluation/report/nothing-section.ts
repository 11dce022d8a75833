/** How many frames without a lesion are refused. */
import { type Html, html } from '../../report/html.ts';
import { percent } from '../../report/page.ts';
import type { EvaluationDocument } from '../document.ts';
import type { Refusals } from '../scope/evaluate.ts';

export function nothingSection({ nothing }: EvaluationDocument): Html | null {
  if (nothing === undefined) return null;
  const { frames, byKind, pictures } = nothing;
  return html`<h2>Frames without a lesion</h2>
<table><thead><tr><th>Kind</th><th>Frames</th><th>Refused</th><th>95 % interval</th></tr></thead>
<tbody>${rowOf('all drawn frames', frames)}${Object.entries(byKind).map(([kind, refusals]) => rowOf(kind, refusals))}
${pictures === null ? null : rowOf('pictures of the folder', pictures)}</tbody></table>
<p class="muted">Drawn from seeds, other ones than those of calibration; Wilson’s intervals.</p>`;
}

function rowOf(kind: string, { n, share, interval: [low, high] }: Refusals): Html {
  return html`<tr><td>${kind}</td><td>${n}</td><td>${percent(share)}</td><td>${percent(low)} … ${percent(high)}</td></tr>`;
}
