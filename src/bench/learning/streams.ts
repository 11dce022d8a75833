/**
 * What a device learns from a new site and of a new class, by device code alone: one labelled lesion at a time, in random
 * orders, gate on, files written. Measured on the data set's test images, through a network that has seen neither.
 */
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { seededRandom } from '../../random.ts';
import type { OpenModel } from '../../runtime/engine/open-model.ts';
import type { HeadInput } from '../../runtime/inference/head.ts';
import { ALTERNATIVES, type BaseCase, type Learn } from './alternatives.ts';
import { LearningDevice } from './learning-device.ts';
import { type LabelledImage, labelledImages, METADATA, readAll, SPLITS, stream } from './read-images.ts';
import { type ReadImage, type Scores, type StreamRun, type StreamSummary, score, summary } from './scores.ts';

export const ORDERS = 5;
/** Numbers of cases after which figures are taken, for a new site and for a new class. */
export const TAKEN_AFTER = { site: [200], class: [1, 5, 20] } as const;

export type Arm = keyof typeof TAKEN_AFTER;
export const ARMS: readonly Arm[] = ['site', 'class'];

export interface StreamOptions {
  /** HAM10000 with its metadata and split. */
  readonly dataset: string;
  readonly arm: Arm;
  /** The acquisition site, or the class, that the network has not seen. */
  readonly unseen: string;
  /** Share of labels that are wrong, 0…1. */
  readonly wrong: number;
  /** Whether other methods, and the head fitted again on everything, are measured too. */
  readonly alternatives: boolean;
  readonly note: (line: string) => void;
}

export interface StreamReport {
  readonly images: { readonly new: number; readonly others: number };
  readonly results: Readonly<
    Record<
      string,
      readonly { readonly cases: number; readonly figures: Readonly<Record<keyof Scores, StreamSummary>> }[]
    >
  >;
  /** Updates that passed the gate, for each order. */
  readonly kept: readonly number[];
  readonly withinGate: boolean;
}

/**
 * Writes data sets without the site and without the class, to train networks on.
 * @returns a line for each folder
 */
export function prepareStreams(dataset: string, out: string, site: string, unseenClass: string): string[] {
  const rows = labelledImages(dataset);
  const kept: Record<Arm, LabelledImage[]> = {
    site: rows.filter((row) => row.dataset !== site),
    class: rows.filter(({ dx }) => dx !== unseenClass),
  };
  return ARMS.map((arm) => {
    const folder = path.join(out, arm);
    mkdirSync(folder, { recursive: true });
    symlinkSync(path.resolve(dataset, 'images'), path.join(folder, 'images'));
    const seen = kept[arm].filter(({ split }) => split !== 'test');
    writeCsv(path.join(folder, METADATA), ['lesion_id', 'image_id', 'dx', 'dataset'], seen);
    writeCsv(path.join(folder, SPLITS), ['image_id', 'lesion_id', 'split'], seen);
    return `${folder}: ${seen.length} images of the training and validation splits`;
  });
}

function writeCsv(
  file: string,
  columns: readonly (keyof LabelledImage)[],
  rows: readonly LabelledImage[],
): void {
  const lines = rows.map((row) => columns.map((column) => row[column]).join(','));
  writeFileSync(file, `${[columns.join(','), ...lines].join('\n')}\n`);
}

/** What is taught, what every other method learns first, and how what came of it is measured. */
export interface Plan {
  /** Training images of what is new. */
  readonly pool: readonly ReadImage[];
  readonly base: readonly BaseCase[];
  readonly at: readonly number[];
  readonly measure: (nameOf: (headInput: HeadInput) => string) => Scores;
  readonly wrong: number;
}

interface DeviceRun extends StreamRun {
  readonly kept: number;
  readonly withinGate: boolean;
}

/** Teaches one stream. */
export async function taughtDevice({ bundle }: OpenModel, order: number, plan: Plan): Promise<DeviceRun> {
  const random = seededRandom(order);
  const device = await LearningDevice.open(bundle);
  try {
    const nameOf = (headInput: HeadInput) => device.nameOf(headInput);
    const before = plan.measure(nameOf);
    const after = new Map<number, Scores>();
    let kept = 0;
    let withinGate = true;
    const lesions = Math.max(...plan.at);
    for (const [i, image] of stream(plan.pool, random).slice(0, lesions).entries()) {
      const others = bundle.graph.classes.filter((name) => name !== image.dx);
      const label = random() < plan.wrong ? others[Math.floor(random() * others.length)] : image.dx;
      if (await device.teach(image.imageId, image.headInput, label)) kept++;
      withinGate &&= device.isWithinGate;
      if (plan.at.includes(i + 1)) after.set(i + 1, plan.measure(nameOf));
    }
    return { before, after, kept, withinGate };
  } finally {
    device.close();
  }
}

/** The same stream, learned at once by another method. */
export function fittedOtherwise(
  learn: Learn,
  { bundle }: OpenModel,
  order: number,
  { pool, base, at, measure }: Plan,
) {
  const all = stream(pool, seededRandom(order));
  return new Map(
    at.map((cases) => {
      const seen = all.slice(0, cases).map(({ dx, headInput }) => ({ dx, pooled: headInput.pooled }));
      const classes = [...new Set([...bundle.graph.classes, ...seen.map(({ dx }) => dx)])];
      const nameOf = learn(base, seen, classes);
      return [cases, measure(({ pooled }) => nameOf(pooled))] as const;
    }),
  );
}

/** Balanced accuracy, which is recall where there is one class, on test images of what is new, and on the others. */
export async function measureStreams(model: OpenModel, options: StreamOptions): Promise<StreamReport> {
  const { dataset, arm, unseen, alternatives } = options;
  const isNew = ({ dx, site }: { dx: string; site: string }) => (arm === 'site' ? site : dx) === unseen;
  const wanted = labelledImages(dataset).filter(
    ({ split, dx, dataset: site }) =>
      split === 'test' || (split === 'train' && (alternatives || isNew({ dx, site }))),
  );
  const images = await readAll(model, dataset, wanted);
  const test = images.filter(({ split }) => split === 'test');
  const training = images.filter(({ split }) => split === 'train');
  const [there, others] = [test.filter(isNew), test.filter((image) => !isNew(image))];
  const plan: Plan = {
    pool: training.filter(isNew),
    base: training.filter((image) => !isNew(image)).map(({ dx, headInput: { pooled } }) => ({ dx, pooled })),
    at: TAKEN_AFTER[arm],
    measure: (nameOf) => ({
      new: score(nameOf, there).balancedAccuracy,
      others: score(nameOf, others).balancedAccuracy,
    }),
    wrong: options.wrong,
  };
  const runs = await inAllOrders(model, plan, options);
  return reportOf({ new: there.length, others: others.length }, plan.at, runs);
}

/** @param runs of each method, one for each order */
export function reportOf(
  images: StreamReport['images'],
  at: readonly number[],
  runs: ReadonlyMap<string, readonly (StreamRun | DeviceRun)[]>,
): StreamReport {
  return {
    images,
    results: Object.fromEntries(
      [...runs].map(([method, own]) => [
        method,
        at.map((cases) => ({
          cases,
          figures: { new: summary(own, cases, 'new'), others: summary(own, cases, 'others') },
        })),
      ]),
    ),
    ...ownFigures(runs.get('device') ?? []),
  };
}

async function inAllOrders(
  model: OpenModel,
  plan: Plan,
  { alternatives, note }: StreamOptions,
): Promise<Map<string, (StreamRun | DeviceRun)[]>> {
  const runs = new Map<string, (StreamRun | DeviceRun)[]>();
  const add = (method: string, run: StreamRun | DeviceRun) =>
    runs.set(method, [...(runs.get(method) ?? []), run]);
  for (let order = 1; order <= ORDERS; order++) {
    const run = await taughtDevice(model, order, plan);
    add('device', run);
    note(`order ${order} of ${ORDERS}: ${run.kept} of ${Math.max(...plan.at)} updates kept`);
    if (!alternatives) continue;
    for (const [name, learn] of Object.entries(ALTERNATIVES)) {
      add(name, { before: run.before, after: fittedOtherwise(learn, model, order, plan) });
    }
  }
  return runs;
}

function ownFigures(runs: readonly (StreamRun | DeviceRun)[]) {
  const own = runs.filter((run) => 'kept' in run);
  return { kept: own.map(({ kept }) => kept), withinGate: own.every(({ withinGate }) => withinGate) };
}
