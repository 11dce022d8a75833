import { z } from 'zod';
import { bootstrapIntervals, type Intervals } from '../../statistics/bootstrap.ts';
import { bootstrapDifferences, type Differences } from '../../statistics/difference.ts';
import { measure } from '../../statistics/metrics.ts';
import type { Prediction } from '../../statistics/prediction.ts';

const predictionSchema = z.strictObject({
  label: z.int().min(0),
  probabilities: z.array(z.number()).readonly(),
  group: z.string().nullable(),
});

/** What one row answered, kept so that rows can be compared image by image. */
export const answersSchema = z.strictObject({
  format: z.literal(1),
  row: z.string(),
  seed: z.number(),
  /** What it was trained by. */
  recipe: z.unknown(),
  /** Of training and what follows it; null where parts were done in earlier, killed runs. */
  seconds: z.number(),
  parameters: z.int(),
  classes: z.array(z.string()).readonly(),
  /** Null where the row has learned from these images. */
  validation: z.array(predictionSchema).readonly().nullable(),
  test: z.array(predictionSchema).readonly(),
});
export type RowAnswers = z.infer<typeof answersSchema>;

/** The figures of the publication's table, 0…1, with intervals over lesions. */
export interface TableFigures {
  readonly n: number;
  readonly accuracy: number;
  /** Mean over the classes that are present. */
  readonly recall: number;
  readonly precision: number;
  readonly f1: number;
  readonly auc: number | null;
  readonly perClassRecall: Readonly<Record<string, number | null>>;
  readonly intervals: Intervals;
}

export function tableFigures(classes: readonly string[], predictions: readonly Prediction[]): TableFigures {
  const { n, top1, macroF1, balancedAccuracy, macroAuc, perClass } = measure(classes, predictions);
  const precisions = classes.flatMap((name) => {
    const { support, precision } = perClass[name];
    return support === 0 || precision === null ? [] : [precision];
  });
  return {
    n,
    accuracy: top1,
    recall: balancedAccuracy,
    precision: precisions.reduce((sum, value) => sum + value, 0) / precisions.length,
    f1: macroF1,
    auc: macroAuc,
    perClassRecall: Object.fromEntries(classes.map((name) => [name, perClass[name].recall])),
    intervals: bootstrapIntervals(classes, predictions),
  };
}

/** One row of the finished table. */
export interface MeasuredRow {
  readonly id: string;
  readonly seconds: number;
  readonly parameters: number;
  /** Null where the row has learned from these images. */
  readonly validation: TableFigures | null;
  readonly test: TableFigures;
  /** Against the row before, on the same test images; null for the first. */
  readonly gain: {
    readonly over: string;
    readonly test: Differences;
    readonly validation: Differences | null;
  } | null;
}

export function measuredRow(answers: RowAnswers, before: RowAnswers | null): MeasuredRow {
  const { row: id, seconds, parameters, classes, validation, test } = answers;
  return {
    id,
    seconds,
    parameters,
    validation: validation && tableFigures(classes, validation),
    test: tableFigures(classes, test),
    gain: before && {
      over: before.row,
      test: bootstrapDifferences(classes, before.test, test),
      validation:
        before.validation && validation && bootstrapDifferences(classes, before.validation, validation),
    },
  };
}
