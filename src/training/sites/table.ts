import { percent } from '../../report/page.ts';
import { pointsCell, type Table, withInterval } from '../../report/table.ts';
import type { Share } from '../../statistics/shares.ts';
import type { SitesDocument } from './document.ts';
import type { SiteComparison } from './figures.ts';

/** A row per site, and their mean. */
export function sitesTable({ sites, means, measured }: SitesDocument): Table {
  const lost = means.balancedAccuracyLost;
  return {
    header: [
      'Site left out',
      'Images unseen',
      'Malignant called routine',
      'Benign called routine',
      `Top-1 on ${measured}, left out / kept in`,
      `Balanced accuracy on ${measured}, left out / kept in`,
      'Difference, points',
    ],
    rows: [
      ...sites.map(rowOf),
      [
        'mean',
        '',
        percent(means.reassured),
        percent(means.spared),
        '',
        '',
        lost === null ? '–' : pointsCell({ value: -lost, interval: [-lost, -lost] }).split(' ')[0],
      ],
    ],
  };
}

function rowOf({ site, unseen, leftOut, keptIn, balancedAccuracy }: SiteComparison): string[] {
  return [
    site,
    String(unseen.images),
    shareCell(unseen.reassured),
    shareCell(unseen.spared),
    `${percent(leftOut.top1)} / ${percent(keptIn.top1)}`,
    `${percent(leftOut.balancedAccuracy)} / ${percent(keptIn.balancedAccuracy)}`,
    pointsCell(balancedAccuracy),
  ];
}

function shareCell({ value, low, high, images }: Share): string {
  const interval = low === null || high === null ? null : ([low, high] as const);
  return `${withInterval(value, interval, percent)} of ${images}`;
}
