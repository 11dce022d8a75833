/**
 * The rule by which the chip learns, in the vendor's simulator, beside the other ways to learn: a class that the head lacks,
 * one labelled training lesion at a time, measured on validation images of lesions that the bundle does not hold.
 */
import { learnedOnChip } from '../../conversion/akida1/chip-rule.ts';
import { UsageError } from '../../errors.ts';
import { seededRandom } from '../../random.ts';
import type { OpenModel } from '../../runtime/engine/open-model.ts';
import { ALTERNATIVES, type BaseCase, binarised, drawn, NEURONS } from './alternatives.ts';
import { outside } from './clinic.ts';
import { bundleWithout, imageWithout } from './left-out.ts';
import { labelledImages, readAll, stream } from './read-images.ts';
import { type ReadImage, type Scores, type StreamRun, score } from './scores.ts';
import {
  fittedOtherwise,
  ORDERS,
  type Plan,
  reportOf,
  type StreamReport,
  TAKEN_AFTER,
  taughtDevice,
} from './streams.ts';

/** Of the inputs that are active in a case, in the middle: what the vendor's guide has for the weights of a neuron. */
const WEIGHTS_PER_INPUT = 1.2;

export interface OnChipOptions {
  /** HAM10000 with its metadata and split. */
  readonly dataset: string;
  /** The class that is taken from the head. */
  readonly unseen: string;
  /** Training images of the other classes that every method but the device learns first. */
  readonly base: number;
  /** An interpreter with the vendor's packages; null leaves the simulator out. */
  readonly python: string | null;
  readonly note: (line: string) => void;
}

/** @throws UsageError `OPTION` for a class that the model has not */
export async function measureOnChip(model: OpenModel, options: OnChipOptions): Promise<StreamReport> {
  const { unseen, python, note } = options;
  const index = model.bundle.graph.classes.indexOf(unseen);
  if (index < 0) {
    throw new UsageError('OPTION', 'The model has no such class', {
      field: '--class',
      expected: model.bundle.graph.classes.join(', '),
      received: unseen,
    });
  }
  const images = (await readChosen(model, options)).map((image) => imageWithout(image, index));
  const lacking = { ...model, bundle: bundleWithout(model.bundle, index) };
  const isNew = ({ dx }: ReadImage) => dx === unseen;
  const judged = outside(
    lacking,
    images.filter(({ split }) => split === 'val'),
  );
  const training = images.filter(({ split }) => split === 'train');
  const [there, others] = [judged.filter(isNew), judged.filter((image) => !isNew(image))];
  const plan: Plan = {
    pool: training.filter(isNew),
    base: training.filter((image) => !isNew(image)).map(({ dx, headInput: { pooled } }) => ({ dx, pooled })),
    at: TAKEN_AFTER.class,
    measure: (nameOf) => ({
      new: score(nameOf, there).balancedAccuracy,
      others: score(nameOf, others).balancedAccuracy,
    }),
    wrong: 0,
  };
  const runs = new Map<string, StreamRun[]>();
  const add = (method: string, run: StreamRun) => runs.set(method, [...(runs.get(method) ?? []), run]);
  for (let order = 1; order <= ORDERS; order++) {
    const device = await taughtDevice(lacking, order, plan);
    add('device', device);
    const { before } = device;
    for (const [name, learn] of Object.entries(ALTERNATIVES)) {
      add(name, { before, after: fittedOtherwise(learn, lacking, order, plan) });
    }
    if (python !== null) {
      const after = await simulated(lacking, { plan, order, unseen, judged, python });
      add('AkidaUnsupervised, simulated', { before, after });
    }
    note(`order ${order} of ${ORDERS}: ${device.kept} of ${Math.max(...plan.at)} updates kept`);
  }
  return reportOf({ new: there.length, others: others.length }, plan.at, runs);
}

/** Validation, training images of the class, and as many others as asked for, drawn at random. */
async function readChosen(model: OpenModel, { dataset, unseen, base }: OnChipOptions): Promise<ReadImage[]> {
  const rows = labelledImages(dataset);
  const training = rows.filter(({ split }) => split === 'train');
  const others = training.filter(({ dx }) => dx !== unseen);
  const chosen = [
    ...rows.filter(({ split }) => split === 'val'),
    ...training.filter(({ dx }) => dx === unseen),
    ...drawn(others, base, seededRandom(1)),
  ];
  return readAll(model, dataset, chosen);
}

interface Simulation {
  readonly plan: Plan;
  readonly order: number;
  readonly unseen: string;
  readonly judged: readonly ReadImage[];
  readonly python: string;
}

/** As `competitive binary layer`, by the vendor's own rule: the same cases in the same order, as many neurons. */
async function simulated(
  { bundle }: OpenModel,
  { plan, order, unseen, judged, python }: Simulation,
): Promise<ReadonlyMap<number, Scores>> {
  const classes = [...bundle.graph.classes, unseen];
  const bitsOf = binarised(plan.base);
  const lessonOf = ({ dx, pooled }: BaseCase) => ({ bits: bitsOf(pooled), label: classes.indexOf(dx) });
  const first = plan.base.map(lessonOf);
  const own = stream(plan.pool, seededRandom(order))
    .slice(0, Math.max(...plan.at))
    .map(({ dx, headInput: { pooled } }) => lessonOf({ dx, pooled }));
  const active = first.map(({ bits }) => bits.reduce((sum, bit) => sum + bit, 0)).sort((a, b) => a - b);
  const answers = await learnedOnChip(
    {
      classes: classes.length,
      neuronsPerClass: NEURONS,
      weights: Math.round(WEIGHTS_PER_INPUT * active[active.length >> 1]),
      cases: [...first, ...own],
      after: plan.at.map((cases) => first.length + cases),
      queries: judged.map(({ headInput }) => bitsOf(headInput.pooled)),
    },
    python,
  );
  return new Map(
    plan.at.map((cases, i) => {
      const names = new Map(judged.map(({ headInput }, q) => [headInput, classes[answers[i][q]]]));
      return [cases, plan.measure((headInput) => names.get(headInput) ?? '')] as const;
    }),
  );
}
