/**
 * What a device learns from a new site and of a new class, by device code alone: one labelled lesion at a time, in five
 * random orders, gate on, files written. Measured on the data set's test images, through a network that has seen neither.
 *
 *   node bench/learning.mjs prepare --dataset DIR --out DIR     data sets without the site and without the class, for training
 *   node bench/learning.mjs site    --dataset DIR --model FILE [--site rosendahl] [--wrong 0.3] [--json]
 *   node bench/learning.mjs class   --dataset DIR --model FILE [--class vasc] [--json]
 *
 * With --alternatives the other methods, and the head fitted again on everything, stand beside the device's.
 *
 * Between the first and the others: `spikescope train`, `convert` and `calibrate` on what was prepared.
 */
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'csv-parse/sync';
import { mapConcurrently } from '../dist/concurrently.js';
import { findImages } from '../dist/dataset/images.js';
import { seededRandom } from '../dist/random.js';
import { openModel } from '../dist/runtime/engine/open-model.js';
import { createClassifier } from '../dist/runtime/inference/classifier.js';
import { ALTERNATIVES } from './learning/alternatives.mjs';
import { device, isWithinGate } from './learning/device.mjs';
import { score, summary } from './learning/scores.mjs';

const ORDERS = 5;
const LESIONS_OF_SITE = 200;
const CASES_OF_CLASS = [1, 5, 20];
const METADATA = 'HAM10000_metadata.csv';
const SPLITS = 'split_lesion.csv';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    dataset: { type: 'string', default: '../shared/ham10000' },
    out: { type: 'string' },
    model: { type: 'string' },
    site: { type: 'string', default: 'rosendahl' },
    class: { type: 'string', default: 'vasc' },
    wrong: { type: 'string', default: '0' },
    alternatives: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});

function table(name) {
  return parse(readFileSync(path.join(values.dataset, name)), { columns: true, bom: true, trim: true });
}

/** Rows of metadata with their split. */
function labelledImages() {
  const splits = new Map(table(SPLITS).map(({ image_id, split }) => [image_id, split]));
  return table(METADATA).map((row) => ({ ...row, split: splits.get(row.image_id) }));
}

function prepare() {
  if (values.out === undefined) throw new Error('prepare needs --out DIR');
  const rows = labelledImages();
  const kept = {
    site: rows.filter(({ dataset }) => dataset !== values.site),
    class: rows.filter(({ dx }) => dx !== values.class),
  };
  for (const [arm, images] of Object.entries(kept)) {
    const folder = path.join(values.out, arm);
    mkdirSync(folder, { recursive: true });
    symlinkSync(path.resolve(values.dataset, 'images'), path.join(folder, 'images'));
    const seen = images.filter(({ split }) => split !== 'test');
    writeCsv(path.join(folder, METADATA), ['lesion_id', 'image_id', 'dx', 'dataset'], seen);
    writeCsv(path.join(folder, SPLITS), ['image_id', 'lesion_id', 'split'], seen);
    console.log(`${folder}: ${seen.length} images of the training and validation splits`);
  }
}

function writeCsv(file, columns, rows) {
  const lines = rows.map((row) => columns.map((column) => row[column]).join(','));
  writeFileSync(file, `${[columns.join(','), ...lines].join('\n')}\n`);
}

/** What the device keeps of each image after reading it. */
async function readAll({ bundle, engine }, rows) {
  const files = await findImages(values.dataset);
  const classifier = createClassifier(bundle, engine, { tiling: false, integrityCheck: false });
  return mapConcurrently(rows, async (row) => {
    const { headInput } = await classifier.classify(files.get(row.image_id));
    return { ...row, headInput };
  });
}

function shuffled(items, random) {
  const order = [...items];
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j], order[i]];
  }
  return order;
}

/** One image of each lesion, lesions in a random order. */
function stream(images, random) {
  const ofLesion = new Map(images.map((image) => [image.lesion_id, image]));
  return shuffled(ofLesion.values(), random);
}

/** Teaches one stream; `at` says after which numbers of cases the figures are taken. */
async function taughtDevice({ bundle }, order, { pool, lesions, at, measure, wrong }) {
  const random = seededRandom(order);
  const scope = await device(bundle);
  try {
    const run = { before: measure(scope.nameOf), after: {}, kept: 0, withinGate: true };
    for (const [i, image] of stream(pool, random).slice(0, lesions).entries()) {
      const others = bundle.graph.classes.filter((name) => name !== image.dx);
      const label = random() < wrong ? others[Math.floor(random() * others.length)] : image.dx;
      if (await scope.teach(image, label)) run.kept++;
      run.withinGate &&= isWithinGate(scope.learner.figures);
      if (at.includes(i + 1)) run.after[i + 1] = measure(scope.nameOf);
    }
    return run;
  } finally {
    scope.close();
  }
}

/** The same streams, each learned at once by another method. */
function fittedOtherwise(learn, { bundle }, order, { pool, base, at, measure, before }) {
  const all = stream(pool, seededRandom(order));
  const after = at.map((cases) => {
    const seen = all.slice(0, cases).map(({ dx, headInput }) => ({ dx, pooled: headInput.pooled }));
    const classes = [...new Set([...bundle.graph.classes, ...seen.map(({ dx }) => dx)])];
    const nameOf = learn(base, seen, classes);
    return [cases, measure(({ pooled }) => nameOf(pooled))];
  });
  return { before, after: Object.fromEntries(after) };
}

async function inAllOrders(model, plan) {
  const runs = { device: [] };
  for (let order = 1; order <= ORDERS; order++) {
    const run = await taughtDevice(model, order, plan);
    runs.device.push(run);
    console.error(`order ${order} of ${ORDERS}: ${run.kept} of ${plan.lesions} updates kept`);
    if (!values.alternatives) continue;
    for (const [name, learn] of Object.entries(ALTERNATIVES)) {
      runs[name] ??= [];
      runs[name].push(fittedOtherwise(learn, model, order, { ...plan, before: run.before }));
    }
  }
  return runs;
}

/** For each method, after each number of cases, each figure. */
function figuresOf(runs, at) {
  return Object.fromEntries(
    Object.entries(runs).map(([method, own]) => [
      method,
      at.map((cases) => ({
        cases,
        figures: Object.fromEntries(
          Object.keys(own[0].before).map((figure) => [figure, summary(own, cases, figure)]),
        ),
      })),
    ]),
  );
}

function show(results) {
  for (const [method, rows] of Object.entries(results)) {
    for (const { cases, figures } of rows) {
      for (const [figure, { before, after, lowest, highest }] of Object.entries(figures)) {
        const change = `${after >= before ? '+' : '−'}${Math.abs(after - before).toFixed(1)}`;
        console.log(
          [
            method.padEnd(26),
            `${cases} cases`.padStart(10),
            figure.padEnd(10),
            `${before.toFixed(1).padStart(5)} → ${after.toFixed(1).padStart(5)} %`,
            `(${change}; ${lowest.toFixed(1)} … ${highest.toFixed(1)})`,
          ].join('  '),
        );
      }
    }
  }
}

const ARMS = {
  site: {
    isNew: ({ dataset }) => dataset === values.site,
    at: [LESIONS_OF_SITE],
  },
  class: {
    isNew: ({ dx }) => dx === values.class,
    at: CASES_OF_CLASS,
  },
};

/** Balanced accuracy, which is recall where there is one class, on test images of what is new, and on the others. */
async function run({ isNew, at }) {
  if (values.model === undefined) throw new Error('Say which bundle: --model FILE');
  const model = await openModel(values.model);
  try {
    const wanted = labelledImages().filter(
      (row) => row.split === 'test' || (row.split === 'train' && (values.alternatives || isNew(row))),
    );
    const images = await readAll(model, wanted);
    const test = images.filter(({ split }) => split === 'test');
    const training = images.filter(({ split }) => split === 'train');
    const [there, others] = [test.filter(isNew), test.filter((row) => !isNew(row))];
    const measure = (nameOf) => ({
      new: score(nameOf, there).balancedAccuracy,
      others: score(nameOf, others).balancedAccuracy,
    });
    const base = training
      .filter((row) => !isNew(row))
      .map(({ dx, headInput }, order) => ({ dx, pooled: headInput.pooled, order }));
    const plan = { pool: training.filter(isNew), base, lesions: Math.max(...at), at, measure };
    const runs = await inAllOrders(model, { ...plan, wrong: Number(values.wrong) });
    report(runs, at, { new: there.length, others: others.length });
  } finally {
    await model.engine.close();
  }
}

function report(runs, at, images) {
  const results = figuresOf(runs, at);
  const kept = runs.device.map((run) => run.kept);
  const withinGate = runs.device.every((run) => run.withinGate);
  if (values.json) {
    console.log(JSON.stringify({ images, results, kept, withinGate }, null, 2));
    return;
  }
  console.log(`balanced accuracy on ${images.new} new and ${images.others} other test images`);
  show(results);
  console.log(
    `updates kept: ${kept.join(', ')}; guard set always within the gate: ${withinGate ? 'yes' : 'NO'}`,
  );
}

const [command] = positionals;
if (command === 'prepare') prepare();
else if (command !== undefined && Object.hasOwn(ARMS, command)) await run(ARMS[command]);
else throw new Error('Say prepare, site or class; the head of this file shows how');
