/**
 * What a device learns from a new site and of a new class, by device code alone: one labelled lesion at a time, in five
 * random orders, gate on, files written. Measured on the data set's test images, through a network that has seen neither.
 *
 *   node bench/learning.mjs prepare --dataset DIR --out DIR     data sets without the site and without the class, for training
 *   node bench/learning.mjs site    --dataset DIR --model FILE [--site rosendahl] [--wrong 0.3] [--json]
 *   node bench/learning.mjs class   --dataset DIR --model FILE [--class vasc] [--json]
 *
 * Between the first and the others: `spikescope train`, `convert` and `calibrate` on what was prepared.
 */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { parse } from 'csv-parse/sync';
import { mapConcurrently } from '../dist/evaluation/concurrently.js';
import { findImages } from '../dist/evaluation/dataset/images.js';
import { seededRandom } from '../dist/evaluation/random.js';
import { createClassifier } from '../dist/runtime/classifier.js';
import { HeadLearner } from '../dist/runtime/learning/learner.js';
import { openModel } from '../dist/runtime/open-model.js';
import { Journal } from '../dist/store/journal.js';

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
    const reading = await classifier.classify(files.get(row.image_id));
    return { ...row, evidence: classifier.evidenceOf(reading) };
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

/** Recall of each class and their mean, in per cent, of the class with the largest potential. */
function score(head, images) {
  const counts = new Map();
  for (const { dx, evidence } of images) {
    const potentials = head.potentials(evidence.potentials, evidence.pooled);
    const winner = head.classes[potentials.indexOf(Math.max(...potentials))];
    const { right, all } = counts.get(dx) ?? { right: 0, all: 0 };
    counts.set(dx, { right: right + Number(winner === dx), all: all + 1 });
  }
  const recall = Object.fromEntries([...counts].map(([name, { right, all }]) => [name, (100 * right) / all]));
  return { recall, balancedAccuracy: mean(Object.values(recall)) };
}

const mean = (numbers) => numbers.reduce((sum, number) => sum + number, 0) / numbers.length;

/** A device with a head of its own; `teach` takes the way of a button press. */
async function device(bundle) {
  const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-learning-'));
  const journal = Journal.open(path.join(folder, 'journal.sqlite'));
  let shown;
  const learner = await HeadLearner.open(bundle, { folder, journal, evidenceOf: () => shown });
  if (learner === null) throw new Error('The bundle has no guard set: run spikescope calibrate on it');
  return {
    learner,
    async teach({ image_id: id, evidence }, label) {
      shown = evidence;
      learner.observe(id, {});
      return (await learner.learn({ id }, label, 'button')).kept;
    },
    close() {
      journal.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether the guard figures lie within the gate's tolerance of one point. */
function isWithinGate({ factory, now }) {
  const fell = (figure) => (factory[figure] ?? 0) - (now[figure] ?? 0);
  return Object.keys(factory).every((figure) => !(fell(figure) > 0.01 + 1e-9));
}

/** Teaches a stream in each order; `at` says after which numbers of cases the figures are taken. */
async function inAllOrders({ bundle }, { pool, lesions, at, measure, wrong }) {
  const runs = [];
  for (let order = 0; order < ORDERS; order++) {
    const random = seededRandom(order + 1);
    const scope = await device(bundle);
    try {
      const run = { before: measure(scope.learner.head), after: {}, kept: 0, withinGate: true };
      for (const [i, image] of stream(pool, random).slice(0, lesions).entries()) {
        const others = bundle.graph.classes.filter((name) => name !== image.dx);
        const label = random() < wrong ? others[Math.floor(random() * others.length)] : image.dx;
        if (await scope.teach(image, label)) run.kept++;
        run.withinGate &&= isWithinGate(scope.learner.figures);
        if (at.includes(i + 1)) run.after[i + 1] = measure(scope.learner.head);
      }
      runs.push(run);
      console.error(`order ${order + 1} of ${ORDERS}: ${run.kept} of ${lesions} updates kept`);
    } finally {
      scope.close();
    }
  }
  return runs;
}

function summary(runs, cases, figure) {
  const after = runs.map((run) => run.after[cases][figure]);
  return {
    before: mean(runs.map(({ before }) => before[figure])),
    after: mean(after),
    lowest: Math.min(...after),
    highest: Math.max(...after),
  };
}

function show(title, { before, after, lowest, highest }) {
  const sign = after >= before ? '+' : '−';
  console.log(
    `${title.padEnd(34)} ${before.toFixed(1)} → ${after.toFixed(1)} % (${sign}${Math.abs(after - before).toFixed(1)}; ${lowest.toFixed(1)} … ${highest.toFixed(1)})`,
  );
}

async function measured(arm, isTaught) {
  if (values.model === undefined) throw new Error(`${arm} needs --model FILE`);
  const model = await openModel(values.model);
  try {
    const rows = labelledImages().filter((row) => row.split === 'test' || isTaught(row));
    const images = await readAll(model, rows);
    const test = images.filter(({ split }) => split === 'test');
    const pool = images.filter((image) => image.split !== 'test');
    return await (arm === 'site' ? siteArm : classArm)(model, { test, pool });
  } finally {
    await model.engine.close();
  }
}

async function siteArm(model, { test, pool }) {
  const there = test.filter(({ dataset }) => dataset === values.site);
  const elsewhere = test.filter(({ dataset }) => dataset !== values.site);
  const measure = (head) => ({
    site: score(head, there).balancedAccuracy,
    others: score(head, elsewhere).balancedAccuracy,
  });
  const plan = {
    pool,
    lesions: LESIONS_OF_SITE,
    at: [LESIONS_OF_SITE],
    measure,
    wrong: Number(values.wrong),
  };
  const runs = await inAllOrders(model, plan);
  const figures = {
    images: { site: there.length, others: elsewhere.length },
    site: summary(runs, LESIONS_OF_SITE, 'site'),
    others: summary(runs, LESIONS_OF_SITE, 'others'),
    kept: runs.map(({ kept }) => kept),
    withinGate: runs.every(({ withinGate }) => withinGate),
  };
  if (!values.json) {
    show(`balanced accuracy, ${values.site}`, figures.site);
    show('balanced accuracy, other sites', figures.others);
    console.log(`guard set within the gate after every update: ${figures.withinGate ? 'yes' : 'NO'}`);
  }
  return figures;
}

async function classArm(model, { test, pool }) {
  const ofClass = test.filter(({ dx }) => dx === values.class);
  const rest = test.filter(({ dx }) => dx !== values.class);
  const measure = (head) => ({
    recall: score(head, ofClass).balancedAccuracy,
    others: score(head, rest).balancedAccuracy,
  });
  const plan = { pool, lesions: Math.max(...CASES_OF_CLASS), at: CASES_OF_CLASS, measure, wrong: 0 };
  const runs = await inAllOrders(model, plan);
  const figures = Object.fromEntries(
    CASES_OF_CLASS.map((cases) => [
      cases,
      { recall: summary(runs, cases, 'recall'), others: summary(runs, cases, 'others') },
    ]),
  );
  if (!values.json) {
    for (const [cases, { recall, others }] of Object.entries(figures)) {
      show(`${cases} cases: recall, ${values.class}`, recall);
      show(`${cases} cases: balanced accuracy, others`, others);
    }
  }
  return { images: { class: ofClass.length, others: rest.length }, cases: figures };
}

const [command] = positionals;
if (command === 'prepare') prepare();
else if (command === 'site' || command === 'class') {
  const isTaught =
    command === 'site'
      ? ({ split, dataset }) => split === 'train' && dataset === values.site
      : ({ split, dx }) => split === 'train' && dx === values.class;
  const figures = await measured(command, isTaught);
  if (values.json) console.log(JSON.stringify(figures, null, 2));
} else throw new Error('Say prepare, site or class; the head of this file shows how');
