/** The ablation as tables: what each row has, what it is worth, what it brought over the row before. */

import { fixed, percent } from '../../report/page.ts';
import { markdownTable, pointsCell, type Table, withInterval } from '../../report/table.ts';
import { type AblationDocument, epochsOf } from './document.ts';
import type { MeasuredRow, TableFigures } from './figures.ts';
import { ABLATION, type AblationRow, type PublishedFigures } from './rows.ts';

const PENDING = 'not trained yet';
const LEARNED_FROM = 'learned from';

/** Figures of one split beside the published ones, every row of the publication present. */
export function figuresTable(measured: readonly MeasuredRow[], split: 'validation' | 'test'): Table {
  const rows = ABLATION.map((row) => {
    const found = measured.find(({ id }) => id === row.id);
    const own = found === undefined ? withoutFigures(PENDING) : ownCells(found[split]);
    return [row.title, ...partCells(row), ...own, publishedCell(row.published)];
  });
  return {
    header: [
      'Row',
      ...['Ghost', 'SA-ECA', 'SE', 'Augmented, quantised', 'SMOTE'],
      ...['Accuracy', 'Recall', 'Precision', 'F1', 'AUC'],
      'Published: accuracy, recall, precision, F1, AUC',
    ],
    rows,
  };
}

/** What each row brought over the one before it, in points, with paired intervals. */
export function gainsTable(
  measured: readonly MeasuredRow[],
  split: 'validation' | 'test',
  rareClasses: readonly string[],
): Table {
  return {
    header: ['Row', 'over', 'Accuracy', 'F1', 'AUC', ...rareClasses.map((name) => `Recall ${name}`)],
    rows: measured.flatMap(({ id, gain }) => {
      const differences = gain?.[split] ?? null;
      if (gain === null || differences === null) return [];
      const { values, recall } = differences;
      const cells = [
        values.top1,
        values.macroF1,
        values.macroAuc,
        ...rareClasses.map((name) => recall[name]),
      ];
      return [[titleOf(id), titleOf(gain.over), ...cells.map(pointsCell)]];
    }),
  };
}

/** All tables, for the documentation. */
export function ablationMarkdown({ rows, seed, recipe, dataset, rareClasses }: AblationDocument): string {
  return [
    `${dataset.name}, protocol ${dataset.protocol}, seed ${seed}, ${recipe.network.inputSize}×${recipe.network.inputSize} pixels, ${epochsOf(recipe)} epochs each, batch ${recipe.float.batch}.`,
    `Test split:\n\n${markdownTable(figuresTable(rows, 'test'))}`,
    `What each row brought on the test split, points:\n\n${markdownTable(gainsTable(rows, 'test', rareClasses))}`,
    `Validation split:\n\n${markdownTable(figuresTable(rows, 'validation'))}`,
    `What each row brought on the validation split, points:\n\n${markdownTable(gainsTable(rows, 'validation', rareClasses))}`,
    '',
  ].join('\n\n');
}

function titleOf(id: string): string {
  return ABLATION.find((row) => row.id === id)?.title ?? id;
}

function partCells(row: AblationRow): string[] {
  const parts = [
    row.ghost,
    row.spatialAttention,
    row.squeezeExcite,
    row.augmentedAndQuantised,
    row.rebalance === 'smote',
  ];
  return parts.map((has) => (has ? '✓' : ''));
}

const withoutFigures = (reason: string) => [reason, '', '', '', ''];

function ownCells(figures: TableFigures | null): string[] {
  if (figures === null) return withoutFigures(LEARNED_FROM);
  const {
    intervals: { values },
    ...own
  } = figures;
  const { accuracy, recall, precision, f1, auc } = own;
  return [
    withInterval(accuracy, values.top1, percent),
    withInterval(recall, values.balancedAccuracy, percent),
    percent(precision),
    withInterval(f1, values.macroF1, percent),
    withInterval(auc, values.macroAuc, fixed),
  ];
}

function publishedCell(figures: PublishedFigures | null): string {
  if (figures === null) return '–';
  return [figures.accuracy, figures.recall, figures.precision, figures.f1, figures.auc]
    .map((value) => value.toFixed(1))
    .join(', ');
}
