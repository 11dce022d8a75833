/** The page of the ablation, self-contained; no photographs. */
import { type Html, html } from '../../report/html.ts';
import { page } from '../../report/page.ts';
import type { Table } from '../../report/table.ts';
import { type AblationDocument, epochsOf } from './document.ts';
import { figuresTable, gainsTable } from './table.ts';

export function ablationPage(
  { rows, seed, recipe, dataset, rareClasses }: AblationDocument,
  madeAt: string,
): string {
  return page(
    'Ablation of QANA',
    html`<header>
<h1>Ablation of QANA</h1>
<p class="muted">${dataset.name}, ${dataset.protocol === 'lesion' ? 'no lesion in two splits' : 'lesions unknown or in more than one split'} · seed ${seed} · ${recipe.network.inputSize}×${recipe.network.inputSize} pixels, ${epochsOf(recipe)} epochs each, batch ${recipe.float.batch} · ${madeAt.slice(0, 10)}</p>
</header>
<h2>Test split</h2>
${tableOf(figuresTable(rows, 'test'))}
<p class="muted">Recall, precision, F1 and AUC are means over the classes. In brackets: 95 % bootstrap intervals over lesions. Every row runs in 8-bit integers on the engine that serves it. Published: on a split that leaks, in per cent.</p>
<h2>What each row brought, test split, points</h2>
${tableOf(gainsTable(rows, 'test', rareClasses))}
<p class="muted">Paired bootstrap over lesions: both rows answer the same images. The intervals hold what the choice of test images explains, not what another seed of the training would change.</p>
<h2>Validation split</h2>
${tableOf(figuresTable(rows, 'validation'))}
<h2>What each row brought, validation split, points</h2>
${tableOf(gainsTable(rows, 'validation', rareClasses))}
<footer class="muted"><p>Not a medical device. Made by <code>spikescope ablation</code> on ${madeAt}.</p></footer>`,
  );
}

function tableOf({ header, rows }: Table): Html {
  return html`<div class="scroll"><table><thead><tr>${header.map((cell) => html`<th>${cell}</th>`)}</tr></thead><tbody>${rows.map(
    (row) => html`<tr>${row.map((cell) => html`<td>${cell}</td>`)}</tr>`,
  )}</tbody></table></div>`;
}
