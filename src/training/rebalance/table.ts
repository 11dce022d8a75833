/** The comparison as tables. */
import { fixed, percent } from '../../report/page.ts';
import { markdownTable, pointsCell, type Table, withInterval } from '../../report/table.ts';
import { ARMS, type Arm, type Comparison } from './compare.ts';

const TITLES: Readonly<Record<Arm, string>> = {
  before: 'As trained',
  real: 'Head on real embeddings, then last block',
  smote: 'Head on real and synthetic embeddings, then last block',
};

export function comparisonMarkdown({ figures, gains }: Comparison, rareClasses: readonly string[]): string {
  const own: Table = {
    header: ['', 'Top-1', 'Macro F1', 'Macro AUC', ...rareClasses.map((name) => `Recall ${name}`)],
    rows: ARMS.map((arm) => {
      const { accuracy, f1, auc, perClassRecall, intervals } = figures[arm];
      return [
        TITLES[arm],
        withInterval(accuracy, intervals.values.top1, percent),
        withInterval(f1, intervals.values.macroF1, percent),
        withInterval(auc, intervals.values.macroAuc, fixed),
        ...rareClasses.map((name) => withInterval(perClassRecall[name], intervals.recall[name], percent)),
      ];
    }),
  };
  const differences: Table = {
    header: ['Points', ...own.header.slice(1)],
    rows: [
      ['SMOTE over the control', gains.smoteOverReal] as const,
      ['SMOTE over the network as trained', gains.smoteOverBefore] as const,
    ].map(([title, { values, recall }]) => [
      title,
      ...[values.top1, values.macroF1, values.macroAuc, ...rareClasses.map((name) => recall[name])].map(
        pointsCell,
      ),
    ]),
  };
  return `${markdownTable(own)}\n\n${markdownTable(differences)}`;
}
