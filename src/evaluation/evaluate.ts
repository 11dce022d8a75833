import type { Dataset, Sample } from '../dataset/dataset.ts';
import { RefusedError } from '../errors.ts';
import { identityOf, type ModelBundle } from '../model/bundle/bundle.ts';
import { seededRandom } from '../random.ts';
import type { Engine } from '../runtime/engine/contract.ts';
import { INDETERMINATE } from '../runtime/inference/head.ts';
import { largestIndex, softmax } from '../runtime/inference/readout.ts';
import type { Split } from '../splits.ts';
import { figuresOf } from '../statistics/figures.ts';
import type { Prediction } from '../statistics/prediction.ts';
import type { ReliabilityBin } from '../statistics/reliability.ts';
import { measureCorruption } from './corruption/measure.ts';
import type { EvaluationDocument } from './document.ts';
import type { FloatModel } from './float-model.ts';
import { sideBySide } from './protocols/side-by-side.ts';
import { protocolFigures, type StoredFigures } from './protocols/stored-figures.ts';
import { type Outcome, readSplit } from './read-split.ts';
import { evaluateTriage } from './triage/evaluate-triage.ts';
import { measureSkinTones } from './triage/skin-tone.ts';

export interface EvaluateOptions {
  readonly split: Split | 'all';
  readonly crop: boolean;
  readonly tiling: boolean;
  readonly float?: FloatModel;
  readonly limit?: number;
  /** Folder of the lesions' masks, outside of which skin tone is measured; absent or null for none. */
  readonly masks?: string | null;
  /** What lies beside the bundle; absent or null for nothing. */
  readonly stored?: StoredFigures | null;
  /** Whether the images are also read corrupted. */
  readonly corruptions?: boolean;
  readonly onImage?: () => void;
}

/** A wrong answer and how sure the model was of it. */
export interface WrongAnswer {
  readonly sample: Sample;
  readonly named: string;
  readonly confidence: number;
}

export interface Evaluation {
  readonly document: EvaluationDocument;
  readonly reliability: readonly ReliabilityBin[];
  /** Surest first. */
  readonly wrong: readonly WrongAnswer[];
}

/**
 * Measures a model on samples of a data set.
 * @param samples the images to read; `limitSamples` of the split's
 * @throws RefusedError `EVALUATION_EMPTY` when not one image could be read
 */
export async function evaluate(
  dataset: Dataset,
  samples: readonly Sample[],
  bundle: ModelBundle,
  engine: Engine,
  options: EvaluateOptions,
): Promise<Evaluation> {
  const { classes } = bundle.graph;
  const { outcomes, unreadable } = await readSplit(samples, bundle, engine, options);
  if (outcomes.length === 0) {
    throw new RefusedError('EVALUATION_EMPTY', 'Not one image of the split could be read', {
      file: dataset.folder,
      received: unreadable[0]?.message ?? 'no image',
    });
  }
  const predictions = outcomes.map((outcome) => predictionOf(outcome, classes));
  const { figures, metrics } = figuresOf(classes, predictions);
  const skinTones =
    bundle.triage === undefined
      ? new Map<string, number>()
      : await measureSkinTones(
          outcomes.map(({ sample }) => sample),
          options.masks ?? null,
        );
  const inSplit = ({ split }: { split: Split | null }) => options.split === 'all' || split === options.split;
  const own = protocolFigures(outcomes.length, figures);
  const measured = dataset.protocol === 'lesion' ? { protocol: 'lesion' as const, figures: own } : null;
  const document: EvaluationDocument = {
    protocol: dataset.protocol,
    split: options.split,
    n: outcomes.length,
    ...figures,
    classes,
    model: identityOf(bundle),
    backend: engine.backend,
    dataset: {
      name: dataset.name,
      splitFile: dataset.splitFile,
      images: samples.length,
      missing: dataset.missing.filter(inSplit).map(({ imageId }) => imageId),
      unreadable,
    },
    settings: { crop: options.crop, tiling: options.tiling, limit: options.limit ?? null },
    tiledShare: shareOf(outcomes, ({ reading }) => reading.tiled),
    indeterminateShare: shareOf(outcomes, ({ reading }) => reading.diagnosis === INDETERMINATE),
    unfamiliarShare:
      bundle.scope === undefined ? null : shareOf(outcomes, ({ reading }) => reading.unfamiliar === true),
    retakes: retakesOf(outcomes),
    triage: evaluateTriage(outcomes, bundle, skinTones),
    protocols: sideBySide(identityOf(bundle), measured, options.stored ?? null),
    ...comparisonOf(classes, outcomes, options.float),
    ...(options.corruptions && { corruption: await measureCorruption(outcomes, bundle, engine, options) }),
  };
  return { document, reliability: metrics.reliability, wrong: wrongAnswers(outcomes, predictions, classes) };
}

/** At most `limit` samples, drawn with a fixed seed: tables are often sorted by class, so the first ones would mislead. */
export function limitSamples(samples: readonly Sample[], limit: number | undefined): readonly Sample[] {
  if (limit === undefined || limit >= samples.length) return samples;
  const random = seededRandom(limit);
  return samples
    .map((sample, order) => ({ sample, order, key: random() }))
    .sort((a, b) => a.key - b.key)
    .slice(0, limit)
    .sort((a, b) => a.order - b.order)
    .map(({ sample }) => sample);
}

function predictionOf({ sample, reading }: Outcome, classes: readonly string[]): Prediction {
  return {
    label: sample.label,
    probabilities: classes.map((name) => reading.probabilities[name]),
    group: sample.lesionId,
  };
}

function shareOf<T>(items: readonly T[], holds: (item: T) => boolean): number {
  return items.filter(holds).length / items.length;
}

function retakesOf(outcomes: readonly Outcome[]): EvaluationDocument['retakes'] {
  const reasons: Record<string, number> = {};
  for (const reason of outcomes.flatMap(({ retake }) => retake)) reasons[reason] = (reasons[reason] ?? 0) + 1;
  const count = outcomes.filter(({ retake }) => retake.length > 0).length;
  return { count, share: count / outcomes.length, reasons };
}

function comparisonOf(
  classes: readonly string[],
  outcomes: readonly Outcome[],
  float: FloatModel | undefined,
): Pick<EvaluationDocument, 'float' | 'agreement'> {
  if (float === undefined) return {};
  const compared = outcomes.flatMap(({ sample, comparison }) =>
    comparison === null ? [] : [{ sample, ...comparison }],
  );
  const mismatch = compared.find(({ float: output }) => output.length !== classes.length);
  if (mismatch !== undefined) {
    throw new RefusedError('FLOAT_MODEL', 'The float model has other classes than the bundle', {
      file: float.name,
      expected: `${classes.length} outputs`,
      received: `${mismatch.float.length}`,
      remedy: 'give the float model that the bundle was converted from',
    });
  }
  const distributions = compared.every(({ float: output }) => isDistribution(output));
  const predictions = compared.map(({ sample, float: output }) => ({
    label: sample.label,
    probabilities: distributions ? normalised(output) : softmax(1, output),
    group: sample.lesionId,
  }));
  return {
    float: { n: compared.length, ...figuresOf(classes, predictions).figures, source: float.name },
    agreement: shareOf(
      compared,
      ({ integer, float: output }) => largestIndex(integer) === largestIndex(output),
    ),
  };
}

/** Whether a float graph answers with probabilities, its softmax inside, rather than with logits. */
function isDistribution(output: Float32Array): boolean {
  const total = output.reduce((sum, value) => sum + value, 0);
  return output.every((value) => value >= 0) && Math.abs(total - 1) < 1e-3;
}

function normalised(output: Float32Array): number[] {
  const total = output.reduce((sum, value) => sum + value, 0);
  return Array.from(output, (value) => value / total);
}

function wrongAnswers(
  outcomes: readonly Outcome[],
  predictions: readonly Prediction[],
  classes: readonly string[],
): WrongAnswer[] {
  return outcomes
    .map(({ sample }, i) => {
      const { probabilities } = predictions[i];
      const winner = largestIndex(probabilities);
      return { sample, winner, named: classes[winner], confidence: probabilities[winner] };
    })
    .filter(({ sample, winner }) => winner !== sample.label)
    .sort((a, b) => b.confidence - a.confidence)
    .map(({ sample, named, confidence }) => ({ sample, named, confidence }));
}
