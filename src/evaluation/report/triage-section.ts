/** What triage is worth, as a part of the page of an evaluation. */
import { type Html, html } from '../../report/html.ts';
import { fixed, percent } from '../../report/page.ts';
import type { TriageCharts } from '../../report/triage-charts.ts';
import type { Estimate, Share } from '../../statistics/shares.ts';
import type { TriageDocument, TriageRates } from '../triage/document.ts';
import { ATTRIBUTES, type Attribute } from '../triage/groups.ts';

const ATTRIBUTE_TITLES: Readonly<Record<Attribute, string>> = {
  sex: 'Sex',
  age: 'Age in years',
  bodySite: 'Body site',
  acquisitionSite: 'Acquisition site',
  skinTone: 'Skin tone (individual typology angle)',
};

export function triageSection(triage: TriageDocument, charts: TriageCharts): Html {
  return html`<h2>Triage: malignant against benign</h2>
<p>Refers from a malignancy of ${fixed(triage.threshold, 4)}: the sum of the probabilities of ${triage.malignant.join(', ')}. The threshold was chosen for a sensitivity of ${percent(triage.promised, 0)}. AUC ${estimate(triage.auc, (value) => fixed(value))}.</p>
${curves(triage, charts)}
${overallTable(triage)}
${withheldParagraph(triage)}
<h2>For whom triage works</h2>
<p class="muted">Sensitivity: malignant that are referred. Spared: benign that are routine. In brackets: 95 % intervals in per cent, whole lesions drawn; exact over lesions where all images agree. Behind “of”: images, lesions.</p>
${ATTRIBUTES.map((attribute) => groupTable(triage, attribute))}
<p class="muted">Skin tone is measured on the picture, outside the lesion’s mask and a border around it: median L* and b*, without dark surround. Camera and light move the angle as well as skin does. Bands after Del Bino and Bernerd 2013: very light above 55°, light above 41°, intermediate above 28°, tan above 10°, brown above −30°, dark.</p>`;
}

function curves(
  { roc, overall, decisionCurve, netBenefit, threshold }: TriageDocument,
  charts: TriageCharts,
) {
  const { sensitivity, specificity } = overall;
  const benefit = { threshold, model: netBenefit.model.value ?? 0, referAll: netBenefit.referAll.value ?? 0 };
  if (roc.length === 0 || sensitivity.value === null || specificity.value === null) return null;
  return html`<div class="charts">
<figure>${charts.roc(roc, { sensitivity: sensitivity.value, specificity: specificity.value })}
<figcaption>ROC of malignancy. The dot is triage as the bundle has it; the dashed line is chance.</figcaption></figure>
<figure>${charts.decision(decisionCurve, benefit)}
<figcaption>Decision curve: net benefit when one missed malignant lesion weighs as much as (1 − p) / p journeys for nothing. The dot is triage at its own threshold, ${fixed(threshold, 4)}: ${estimate(netBenefit.model, (value) => fixed(value))}, of referring all ${estimate(netBenefit.referAll, (value) => fixed(value))}.</figcaption></figure>
</div>`;
}

const OVERALL: readonly [Exclude<keyof TriageRates, 'images'>, (triage: TriageDocument) => string | null][] =
  [
    ['sensitivity', () => 'Malignant referred (sensitivity)'],
    ['watchedSensitivity', ({ watched }) => watched && `${watched} referred (sensitivity)`],
    ['specificity', () => 'Benign spared (specificity)'],
    ['malignantRoutine', () => 'Malignant called routine'],
    ['watchedRoutine', ({ watched }) => watched && `${watched} called routine`],
    ['indeterminate', () => 'Indeterminate, of all'],
  ];

function overallTable(triage: TriageDocument): Html {
  const rows = OVERALL.flatMap(([rate, titleOf]) => {
    const title = titleOf(triage);
    return title === null ? [] : [row(title, triage.overall[rate])];
  });
  return html`<table><thead><tr><th>Figure</th><th>Share</th><th>Images</th><th>Lesions</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function row(title: string, share: Share): Html {
  return html`<tr><td class="words">${title}</td><td>${cell(share)}</td><td><span class="value">${share.hits} of ${share.images}</span></td><td>${share.lesions}</td></tr>`;
}

function withheldParagraph({ withheld, watched }: TriageDocument): Html {
  const { all, byName, instead, watchedReassured, watchedReassuredUnguarded } = withheld;
  const names = Object.entries(byName).filter(([, { images }]) => images > 0);
  const said = Object.entries(instead).map(([name, count]) => `${name} ${count}`);
  return html`<p>No benign class is named unless triage is routine. Withheld: ${shareText(all)} of the readings${said.length > 0 ? `; said instead: ${said.join(', ')}` : ''}.${
    watched === null
      ? ''
      : ` ${watched} that bears the name of a benign class: ${shareText(watchedReassured)}; without this rule ${shareText(watchedReassuredUnguarded)}.`
  }</p>
<table><thead><tr><th>Name</th><th>Withheld</th><th>Readings</th></tr></thead><tbody>${names.map(
    ([name, share]) =>
      html`<tr><td>${name}</td><td>${cell(share)}</td><td><span class="value">${share.hits} of ${share.images}</span></td></tr>`,
  )}</tbody></table>`;
}

function groupTable({ groups, watched }: TriageDocument, attribute: Attribute): Html {
  return html`<h3>${ATTRIBUTE_TITLES[attribute]}</h3>
<table><thead><tr><th>Group</th><th>Sensitivity</th>${watched === null ? null : html`<th>${watched} alone</th>`}<th>Spared</th></tr></thead>
<tbody>${groups[attribute].map(
    (group) =>
      html`<tr><td class="words">${group.name}</td><td>${counted(group.sensitivity)}</td>${
        watched === null ? null : html`<td>${counted(group.watchedSensitivity)}</td>`
      }<td>${counted(group.specificity)}</td></tr>`,
  )}</tbody></table>`;
}

function counted(share: Share): Html {
  if (share.images === 0) return html`–`;
  return html`${cell(share)}<br><span class="interval">of ${share.images}, ${share.lesions}</span>`;
}

/** A share over its interval, each on a line that is not broken: tables stay narrow. */
function cell({ value, low, high }: Share): Html {
  if (value === null || low === null || high === null) return html`–`;
  const [from, to] = [low, high].map((end) => (100 * end).toFixed(1));
  return html`<span class="value">${percent(value)}</span><br><span class="interval">[${from}, ${to}]</span>`;
}

function shareText(share: Share): string {
  return estimate(share, percent);
}

function estimate({ value, low, high }: Estimate, format: (value: number | null) => string): string {
  return low === null || high === null ? format(value) : `${format(value)} [${format(low)}, ${format(high)}]`;
}
