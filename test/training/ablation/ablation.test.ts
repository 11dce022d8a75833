import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parameterCount } from '../../../src/model/architecture/parameters.ts';
import { Journal } from '../../../src/store/journal.ts';
import { ablationRecipe, rebalanceRecipe } from '../../../src/training/ablation/defaults.ts';
import { type AblationDocument, epochsOf, rarestClasses } from '../../../src/training/ablation/document.ts';
import { measuredRow, type RowAnswers, tableFigures } from '../../../src/training/ablation/figures.ts';
import { ablationPage } from '../../../src/training/ablation/page.ts';
import { ABLATION, predecessor, recipeOf } from '../../../src/training/ablation/rows.ts';
import { type AblationJob, runRow } from '../../../src/training/ablation/run.ts';
import { ablationMarkdown } from '../../../src/training/ablation/table.ts';
import { useBackend } from '../../../src/training/backend/backend.ts';
import { networkOf } from '../../../src/training/recipes/network.ts';
import { recipeSchema } from '../../../src/training/recipes/recipe.ts';
import { discs, phantomSource, TINY_RECIPE, TINY_STAGE } from '../../support/phantom-training.ts';

const IMAGES = 24;
const CLASSES = ['dark', 'bright'];

function rowOf(id: string) {
  const row = ABLATION.find((own) => own.id === id);
  if (row === undefined) throw new RangeError(`There is no row ${id}`);
  return row;
}

describe('the rows of the ablation', () => {
  const base = ablationRecipe(10);

  it('add one part each', () => {
    const parts = ABLATION.map(
      ({ ghost, spatialAttention, squeezeExcite, augmentedAndQuantised, rebalance, learns }) =>
        [ghost, spatialAttention, squeezeExcite, augmentedAndQuantised, learns].filter(Boolean).length +
        (rebalance === 'none' ? 0 : 1),
    );
    expect(parts).toEqual([0, 1, 2, 3, 4, 5, 5, 6]);
  });

  it('are compared with the row that they go on from', () => {
    expect(ABLATION.map((row) => predecessor(row)?.id ?? null)).toEqual([
      null,
      'baseline',
      'ghost',
      'attention',
      'excite',
      'quantised',
      'quantised',
      'smote',
    ]);
  });

  it('see the images equally often, whatever part they have', () => {
    for (const row of ABLATION) {
      const recipe = recipeOf(row, base);
      expect(epochsOf(recipe)).toBe(epochsOf(base));
      expect(recipe.float.batch).toBe(base.float.batch);
      expect(recipe.float.rate).toEqual(base.float.rate);
      expect(recipeSchema.parse(recipe)).toEqual(recipe);
    }
  });

  it('are augmented and rounded in training only where their part says so', () => {
    for (const row of ABLATION) {
      const recipe = recipeOf(row, base);
      expect(recipe.quantisation !== null).toBe(row.augmentedAndQuantised);
      expect(recipe.float.augmentation.flip.horizontal > 0).toBe(row.augmentedAndQuantised);
    }
  });

  it('are networks of unlike size', () => {
    const sizes = ABLATION.slice(0, 4).map((row) =>
      parameterCount(networkOf(recipeOf(row, base).network, 7)),
    );
    expect(sizes[1]).toBeLessThan(sizes[0]);
    expect(sizes[2]).toBeGreaterThan(sizes[1]);
    expect(sizes[3]).toBeGreaterThan(sizes[2]);
    expect(sizes[3]).toBe(288_039);
  });
});

describe('the figures of a row', () => {
  it('are those of the publication’s table, means over the classes', () => {
    const answer = (label: number, named: number) => ({
      label,
      probabilities: [0, 1].map((c) => (c === named ? 1 : 0)),
      group: null,
    });
    const figures = tableFigures(CLASSES, [answer(0, 0), answer(0, 0), answer(0, 1), answer(1, 1)]);
    expect(figures.accuracy).toBe(3 / 4);
    expect(figures.recall).toBeCloseTo((2 / 3 + 1) / 2, 12);
    expect(figures.precision).toBeCloseTo((1 + 1 / 2) / 2, 12);
    expect(figures.perClassRecall).toEqual({ dark: 2 / 3, bright: 1 });
  });

  it('name the rarest classes in the order of the classes', () => {
    expect(rarestClasses(['a', 'b', 'c', 'd', 'e'], [5, 1, 9, 2, 3])).toEqual(['b', 'd', 'e']);
  });
});

describe('running rows', () => {
  let folder: string;
  afterAll(() => rm(folder, { recursive: true }));

  function job(change: Partial<AblationJob> = {}): AblationJob {
    const [training, held] = [discs(IMAGES, 1), discs(12, 2)];
    const rebalance = rebalanceRecipe(ablationRecipe(2));
    return {
      folder,
      base: TINY_RECIPE,
      rebalance: {
        smote: { components: 8, neighbours: 3, ratio: 0.9, epsilon: 0.05 },
        head: { ...rebalance.head, epochs: 2, batch: 8 },
        fineTune: { ...TINY_STAGE, schedule: [{ inputSize: 16, epochs: 1 }] },
      },
      classes: CLASSES,
      seed: 2,
      source: {
        training: phantomSource(IMAGES),
        images: Array.from(training.labels, (label, i) => ({ imageId: `image${i}`, label, split: 'train' })),
        open: async (rows) =>
          training.open([16], 16, () => rows.map(({ imageId }) => Number(imageId.slice('image'.length)))),
        split: async () => held.open([16], 16, () => Array.from(held.labels.keys())),
      },
      ...change,
    };
  }

  let baseline: RowAnswers;
  let quantised: RowAnswers;
  let balanced: RowAnswers;
  let learned: RowAnswers;
  beforeAll(async () => {
    await useBackend();
    folder = await mkdtemp(path.join(tmpdir(), 'spikescope-ablation-'));
    baseline = await runRow(job(), rowOf('baseline'));
    quantised = await runRow(job(), rowOf('quantised'));
    balanced = await runRow(job(), rowOf('smote'));
    learned = await runRow(job(), rowOf('learning'));
  }, 300_000);

  it('measures them in integers on held-out images, every image once', () => {
    for (const row of [baseline, quantised, balanced, learned]) {
      expect(row.test).toHaveLength(12);
      for (const { probabilities } of row.test) {
        expect(probabilities.reduce((sum, p) => sum + p, 0)).toBeCloseTo(1, 9);
      }
    }
    expect(quantised.test.map(({ label }) => label)).toEqual(Array.from(discs(12, 2).labels));
  });

  it('lets a device learn of validation lesions by its own code, journalled, and answers with its head', async () => {
    expect(learned.validation).toBeNull();
    const journal = Journal.open(path.join(folder, 'learning/device/journal.sqlite'));
    const kinds = [...journal.records()].map(({ kind }) => kind);
    journal.close();
    expect(kinds.filter((kind) => kind === 'label').length).toBeGreaterThan(0);
    expect(kinds.filter((kind) => kind === 'update').length).toBe(
      kinds.filter((kind) => kind === 'label').length,
    );
    const probabilities = ({ test }: RowAnswers) => test.map((answer) => answer.probabilities);
    expect(probabilities(learned)).not.toEqual(probabilities(balanced));
  });

  it('keeps a finished row, and refuses to mix it with other settings', async () => {
    const states: string[] = [];
    const again = await runRow(job({ onRow: (_, state) => states.push(state) }), rowOf('quantised'));
    expect(states).toEqual(['kept']);
    expect(again).toEqual(quantised);
    await expect(runRow(job({ seed: 9 }), rowOf('quantised'))).rejects.toMatchObject({
      code: 'ABLATION_FOLDER',
    });
  });

  it('goes on from checkpoints where only the measuring is missing, to the same answers', async () => {
    await rm(path.join(folder, 'quantised/answers.json'));
    const checkpoint = path.join(folder, 'quantised/quantised/last.checkpoint');
    const { mtimeMs } = await stat(checkpoint);
    const again = await runRow(job(), rowOf('quantised'));
    expect((await stat(checkpoint)).mtimeMs).toBe(mtimeMs);
    expect({ ...again, seconds: 0 }).toEqual({ ...quantised, seconds: 0 });
  });

  it('reports rows that are there, and says which are not', () => {
    const document: AblationDocument = {
      seed: 2,
      backend: 'cpu',
      recipe: TINY_RECIPE,
      dataset: { name: 'discs', protocol: 'lesion' },
      classes: CLASSES,
      rareClasses: ['bright'],
      rows: [
        measuredRow(baseline, null),
        measuredRow(quantised, null),
        measuredRow(balanced, quantised),
        measuredRow(learned, balanced),
      ],
    };
    const text = ablationMarkdown(document);
    expect(text.match(/not trained yet/g)).toHaveLength(2 * 4);
    expect(text).toContain('| + Incremental learning | + SMOTE |');
    expect(text.match(/learned from/g)).toHaveLength(1);
    expect(text).toContain('| + SMOTE | + Augmentation, quantised head |');
    expect(text).toContain('91.0, 89.2, 90.0, 89.6, 92.7');
    const html = ablationPage(document, '2026-01-01T00:00:00.000Z');
    expect(html).toContain('not trained yet');
    expect(html).not.toMatch(/<script|<link|@import|url\(/i);
  });
});
