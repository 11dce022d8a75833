import { printable } from '../../errors.ts';
import type { TriageDocument } from '../../evaluation/triage/document.ts';
import { fixed, percent } from '../../report/page.ts';
import type { Estimate, Share } from '../../statistics/shares.ts';
import { colour } from '../../ui/terminal/console.ts';
import { tableLines } from '../../ui/terminal/table.ts';

/** Triage for people, as lines: overall; its groups stand in the report and in the JSON document. */
export function triageLines(triage: TriageDocument | null): string[] {
  if (triage === null) return ['Triage: none, the bundle has no rule for it'];
  const { overall, watched, withheld, netBenefit, auc, threshold } = triage;
  const name = watched === null ? '' : printable(watched);
  const rows: [string, Estimate, string][] = [
    shareRow('malignant referred', overall.sensitivity),
    ...(watched === null ? [] : [shareRow(`${name} referred`, overall.watchedSensitivity)]),
    shareRow('benign spared', overall.specificity),
    shareRow('malignant called routine', overall.malignantRoutine),
    ...(watched === null ? [] : [shareRow(`${name} called routine`, overall.watchedRoutine)]),
    shareRow('benign names withheld', withheld.all),
  ];
  return [
    `Triage from a malignancy of ${fixed(threshold, 4)}; AUC ${fixed(auc.value, 4)} ${colour.dim(interval(auc, (value) => fixed(value, 4)))}`,
    ...tableLines([
      ['triage', 'share', '95 % by lesion', 'images'].map(colour.dim),
      ...rows.map(([title, share, counts]) => [
        title,
        colour.bold(percent(share.value)),
        interval(share, percent),
        counts,
      ]),
    ]),
    `Net benefit at that threshold: ${fixed(netBenefit.model.value, 4)}; of referring all ${fixed(netBenefit.referAll.value, 4)}, none 0`,
  ];
}

function shareRow(title: string, share: Share): [string, Estimate, string] {
  return [title, share, `${share.hits} of ${share.images}`];
}

function interval({ low, high }: Estimate, format: (value: number | null) => string): string {
  return low === null ? '–' : `${format(low)} … ${format(high)}`;
}
