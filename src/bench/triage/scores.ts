/** Which score of malignancy triage should read by: the sum of probabilities, or one fitted on potentials. */
import { lesionWeights } from '../../evaluation/calibration/alpha.ts';
import { triageThreshold } from '../../evaluation/calibration/triage-threshold.ts';
import { seededRandom } from '../../random.ts';
import { orderByScore, weightedAuc } from '../../statistics/auc.ts';
import { type Interval, percentileInterval, RESAMPLING, resamplesOf } from '../../statistics/resampling.ts';
import { fitLogistic } from './logistic.ts';

/** What is known of one image. */
export interface Observation {
  /** int32, one per class. */
  readonly potentials: readonly number[];
  /** Sum of the malignant classes' probabilities, 0…1. */
  readonly sum: number;
  readonly isMalignant: boolean;
  readonly isWatched: boolean;
  readonly group: string | null;
}

type Score = (observation: Observation) => number;

/** Makes a score of what may be learned from. */
type Scorer = (learned: readonly Observation[]) => Score;

export interface Measured {
  readonly value: number;
  readonly interval: Interval | null;
}

export interface ScoreRow {
  readonly score: string;
  readonly auc: Measured;
  /** At thresholds chosen on other lesions than those that are judged. */
  readonly sensitivity: Measured;
  readonly watchedSensitivity: Measured;
  readonly specificity: Measured;
  /** Less that of the sum, on the same resamples. */
  readonly difference: { readonly auc: Measured; readonly specificity: Measured };
}

const FOLDS = 5;

/**
 * Cross-fitted over the lesions of `validation`: in each of five folds score and threshold come from the other four.
 * @param training images that the network learned from
 */
export function compareScores(
  training: readonly Observation[],
  validation: readonly Observation[],
  sensitivity: number,
): ScoreRow[] {
  const onTraining = logisticOf(training);
  const scorers: readonly (readonly [string, Scorer])[] = [
    [
      'sum of probabilities',
      () =>
        ({ sum }) =>
          sum,
    ],
    ['logistic, fitted on training images', () => onTraining],
    ['logistic, fitted on validation lesions', logisticOf],
  ];
  const judged = scorers.map(([, scorer]) => judge(validation, scorer, sensitivity));
  const whole = new Float64Array(validation.length).fill(1);
  const figures = (weights: ArrayLike<number>) => judged.map((each) => figuresOf(validation, each, weights));
  const values = figures(whole);
  const drawn = Array.from(resamplesOf(validation, RESAMPLING), figures);
  const measured = (of: (rows: readonly Figures[]) => number): Measured => ({
    value: of(values),
    interval: percentileInterval(drawn.map(of), RESAMPLING.level),
  });
  return scorers.map(([score], i) => ({
    score,
    auc: measured((rows) => rows[i].auc),
    sensitivity: measured((rows) => rows[i].sensitivity),
    watchedSensitivity: measured((rows) => rows[i].watchedSensitivity),
    specificity: measured((rows) => rows[i].specificity),
    difference: {
      auc: measured((rows) => rows[i].auc - rows[0].auc),
      specificity: measured((rows) => rows[i].specificity - rows[0].specificity),
    },
  }));
}

function logisticOf(learned: readonly Observation[]): Score {
  const weights = lesionWeights(learned.map(({ group }) => group));
  const predict = fitLogistic(
    learned.map(({ potentials, isMalignant }, i) => ({
      features: potentials,
      isPositive: isMalignant,
      weight: weights[i],
    })),
  );
  return ({ potentials }) => predict(potentials);
}

interface Judged {
  readonly scores: Float64Array;
  readonly order: ReturnType<typeof orderByScore>;
  readonly isReferred: readonly boolean[];
}

function judge(observations: readonly Observation[], scorer: Scorer, sensitivity: number): Judged {
  const foldOf = foldsOf(observations);
  const scores = new Float64Array(observations.length);
  const isReferred = observations.map(() => false);
  for (let fold = 0; fold < FOLDS; fold++) {
    const others = observations.filter((_, i) => foldOf[i] !== fold);
    const score = scorer(others);
    const { threshold } = thresholdOf(others, outOfFold(others, scorer), sensitivity);
    observations.forEach((observation, i) => {
      if (foldOf[i] !== fold) return;
      scores[i] = score(observation);
      isReferred[i] = scores[i] >= threshold;
    });
  }
  return { scores, order: orderByScore(scores), isReferred };
}

/** Scores of images by what was learned from other lesions. */
function outOfFold(observations: readonly Observation[], scorer: Scorer): number[] {
  const foldOf = foldsOf(observations);
  const scores = Array.from({ length: FOLDS }, (_, fold) =>
    scorer(observations.filter((_, i) => foldOf[i] !== fold)),
  );
  return observations.map((observation, i) => scores[foldOf[i]](observation));
}

function thresholdOf(observations: readonly Observation[], scores: readonly number[], sensitivity: number) {
  const among = (holds: (observation: Observation) => boolean) =>
    observations.flatMap((observation, i) =>
      holds(observation) ? [{ score: scores[i], lesionId: observation.group }] : [],
    );
  const groups = {
    malignant: among(({ isMalignant }) => isMalignant),
    watched: among(({ isWatched }) => isWatched),
  };
  return triageThreshold(groups, sensitivity);
}

/** The fold of each image: lesions are dealt out at random, malignant and benign ones apart. */
function foldsOf(observations: readonly Observation[]): number[] {
  const random = seededRandom(RESAMPLING.seed);
  const keys = new Map<string, { readonly isMalignant: boolean; readonly at: number }>();
  const nameOf = ({ group }: Observation, i: number) => (group === null ? `image ${i}` : `lesion ${group}`);
  observations.forEach((observation, i) => {
    const name = nameOf(observation, i);
    if (!keys.has(name)) keys.set(name, { isMalignant: observation.isMalignant, at: random() });
  });
  const dealt = [...keys].sort(
    ([, a], [, b]) => Number(a.isMalignant) - Number(b.isMalignant) || a.at - b.at,
  );
  const folds = new Map(dealt.map(([name], place) => [name, place % FOLDS]));
  return observations.map((observation, i) => folds.get(nameOf(observation, i)) ?? 0);
}

interface Figures {
  readonly auc: number;
  readonly sensitivity: number;
  readonly watchedSensitivity: number;
  readonly specificity: number;
}

function figuresOf(
  observations: readonly Observation[],
  { order, isReferred }: Judged,
  weights: ArrayLike<number>,
): Figures {
  const share = (among: (image: number) => boolean, hit: (image: number) => boolean) => {
    let [all, hits] = [0, 0];
    for (let i = 0; i < observations.length; i++) {
      if (!among(i)) continue;
      all += weights[i];
      if (hit(i)) hits += weights[i];
    }
    return hits / all;
  };
  return {
    auc: weightedAuc(order, (i) => observations[i].isMalignant, weights) ?? Number.NaN,
    sensitivity: share(
      (i) => observations[i].isMalignant,
      (i) => isReferred[i],
    ),
    watchedSensitivity: share(
      (i) => observations[i].isWatched,
      (i) => isReferred[i],
    ),
    specificity: share(
      (i) => !observations[i].isMalignant,
      (i) => !isReferred[i],
    ),
  };
}
