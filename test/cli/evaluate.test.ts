import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { evaluateCommand } from '../../src/cli/evaluate/evaluate.ts';
import type { EvaluationDocument } from '../../src/evaluation/document.ts';
import { identityOf } from '../../src/model/bundle/bundle.ts';
import { choiceFiguresFile, readChoiceFigures } from '../../src/model/bundle/choice-figures.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { openModel } from '../../src/runtime/engine/open-model.ts';
import { createClassifier } from '../../src/runtime/inference/classifier.ts';
import { linearOnnx } from '../support/linear-onnx.ts';
import { runCommand } from '../support/run-command.ts';
import { writeTinyDataset } from '../support/tiny-dataset.ts';
import { tinyModel, tinyTable, tinyTriage } from '../support/tiny-model.ts';

let folder: string;
let dataset: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'evaluate-'));
  dataset = path.join(folder, 'set');
  model = path.join(folder, 'tiny.spikescope');
  await writeTinyDataset(dataset, 24);
  await writeBundle(model, tinyModel());
});
afterAll(() => rm(folder, { recursive: true }));

async function evaluated(...options: string[]): Promise<EvaluationDocument> {
  const { stdout, fault } = await runCommand(evaluateCommand(), [
    ...['--model', model, '--dataset', dataset, '--no-html', '--json'],
    ...options,
  ]);
  expect(fault).toBeNull();
  expect(stdout.trimEnd().split('\n')).toHaveLength(1);
  return JSON.parse(stdout);
}

describe('evaluate --json', () => {
  it('prints one document with every field that other programs rely on', async () => {
    const document = await evaluated();
    expect(document).toMatchObject({
      protocol: 'lesion',
      split: 'test',
      n: 8,
      classes: ['benign', 'malign'],
      settings: { crop: false, tiling: false, limit: null },
      dataset: { name: 'set', images: 8, missing: [], unreadable: [] },
      tiledShare: 0,
      backend: 'cpu',
    });
    const { bundle, engine } = await openModel(model);
    await engine.close();
    expect(document.model).toEqual(identityOf(bundle));
    for (const figure of ['top1', 'macroF1', 'balancedAccuracy', 'ece'] as const) {
      expect(document[figure]).toBeGreaterThanOrEqual(0);
      expect(document[figure]).toBeLessThanOrEqual(1);
    }
    expect(Object.keys(document.perClass)).toEqual(['benign', 'malign']);
    expect(document.confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(8);
    expect(document.intervals).toMatchObject({ unit: 'lesion', units: 4, level: 0.95 });
    expect(document).not.toHaveProperty('float');
  });

  it('says what corruption costs where it is asked to', async () => {
    expect(await evaluated()).not.toHaveProperty('corruption');
    const { corruption, top1 } = await evaluated('--corruptions');
    const rows = corruption?.corruptions ?? [];
    expect(rows.map(({ name }) => name)).toEqual([
      ...['blur', 'noise', 'jpeg', 'darker', 'brighter', 'warm', 'cold', 'rotation'],
    ]);
    for (const row of rows) expect(row.top1 + row.lost.value).toBeCloseTo(top1, 12);
    const mean = rows.reduce((sum, { lost }) => sum + lost.value, 0) / rows.length;
    expect(corruption?.meanLost.value).toBeCloseTo(mean, 12);
    expect(corruption?.clean).toEqual({ sensitivity: null, specificity: null });
  });

  it('corrupts no rows of the paper’s protocol', async () => {
    const { fault } = await runCommand(evaluateCommand(), [
      ...['--model', model, '--dataset', dataset, '--protocol', 'paper', '--corruptions'],
    ]);
    expect(fault).toMatchObject({ code: 'OPTION', details: { field: '--corruptions' } });
  });

  it('counts what the classifier itself answers', async () => {
    const document = await evaluated('--split', 'all', '--no-crop', '--no-tiling');
    const { bundle, engine } = await openModel(model);
    const classifier = createClassifier(bundle, engine, {
      crop: false,
      tiling: false,
      integrityCheck: false,
    });
    const rows = (await readFile(path.join(dataset, 'HAM10000_metadata.csv'), 'utf8'))
      .trim()
      .split('\n')
      .slice(1);
    let right = 0;
    for (const row of rows) {
      const [, imageId, dx] = row.split(',');
      const { reading } = await classifier.classify(path.join(dataset, `images/part_1/${imageId}.jpg`));
      const { probabilities } = reading;
      if ((probabilities.malign > probabilities.benign ? 'malign' : 'benign') === dx) right++;
    }
    await engine.close();
    expect(document.n).toBe(24);
    expect(document.top1).toBeCloseTo(right / 24, 12);
  });

  it('reads images that the integrity check would send back, and counts them apart', async () => {
    const own = path.join(folder, 'strict.spikescope');
    const tiny = tinyModel();
    const quality = { ...tiny.preprocessing.quality, minimumSide: 170 };
    await writeBundle(own, { ...tiny, preprocessing: { ...tiny.preprocessing, quality } });
    const document = await evaluated('--model', own);
    expect(document.n).toBe(8);
    expect(document.retakes).toMatchObject({ count: 8, share: 1, reasons: { 'too-small': 8 } });
  });

  it('tiles what the bundle finds uncertain', async () => {
    const own = path.join(folder, 'unsure.spikescope');
    const tiny = tinyModel();
    const readout = { ...tiny.readout, tiling: { enabled: true, tau: 1, overlap: 0.2 } };
    await writeBundle(own, { ...tiny, readout });
    expect((await evaluated('--model', own)).tiledShare).toBe(1);
    expect((await evaluated('--model', own, '--no-tiling')).tiledShare).toBe(0);
  });

  it('repeats itself exactly, whatever finishes first', async () => {
    expect(await evaluated('--split', 'all')).toEqual(await evaluated('--split', 'all'));
  });

  it('draws the same images for the same limit', async () => {
    const document = await evaluated('--split', 'all', '--limit', '5');
    expect(document).toMatchObject({ n: 5, settings: { limit: 5 } });
    expect(await evaluated('--split', 'all', '--limit', '5')).toEqual(document);
  });

  it('sets damaged and missing images aside and names them', async () => {
    const own = path.join(folder, 'damaged');
    await writeTinyDataset(own, 12);
    await writeFile(path.join(own, 'images/part_1/ISIC_0000.jpg'), 'not a picture');
    await rm(path.join(own, 'images/part_1/ISIC_0001.jpg'));
    const document = await evaluated('--dataset', own, '--split', 'all');
    expect(document.n).toBe(10);
    expect(document.dataset.images).toBe(11);
    expect(document.dataset.missing).toEqual(['ISIC_0001']);
    expect(document.dataset.unreadable).toMatchObject([{ imageId: 'ISIC_0000', code: 'IMAGE_FORMAT' }]);
  });
});

describe('evaluate of a bundle that triages', () => {
  let triaging: string;
  beforeAll(async () => {
    triaging = path.join(folder, 'triaging.spikescope');
    await writeBundle(triaging, { ...tinyModel(), classTable: tinyTable(), triage: tinyTriage(0.5) });
  });

  it('says how triage did, as the classifier itself answers', async () => {
    const { triage } = await evaluated('--model', triaging, '--split', 'all');
    const { bundle, engine } = await openModel(triaging);
    const classifier = createClassifier(bundle, engine, { integrityCheck: false });
    const rows = (await readFile(path.join(dataset, 'HAM10000_metadata.csv'), 'utf8')).trim().split('\n');
    const counts = { malign: [0, 0], benign: [0, 0] };
    for (const row of rows.slice(1)) {
      const [, imageId, dx] = row.split(',');
      const { reading } = await classifier.classify(path.join(dataset, `images/part_1/${imageId}.jpg`));
      const count = counts[dx === 'malign' ? 'malign' : 'benign'];
      count[0]++;
      if (reading.triage === (dx === 'malign' ? 'refer' : 'routine')) count[1]++;
    }
    await engine.close();
    expect(triage).toMatchObject({
      threshold: 0.5,
      promised: 0.95,
      malignant: ['malign'],
      watched: 'malign',
    });
    const { sensitivity, specificity, malignantRoutine } = triage?.overall ?? {};
    expect([sensitivity?.images, sensitivity?.hits]).toEqual(counts.malign);
    expect([specificity?.images, specificity?.hits]).toEqual(counts.benign);
    expect(malignantRoutine?.hits).toBe(counts.malign[0] - counts.malign[1]);
    expect(triage?.roc.at(-1)).toMatchObject({ sensitivity: 1, specificity: 0 });
    expect(triage?.decisionCurve).toHaveLength(99);
    expect((await evaluated('--split', 'all')).triage).toBeNull();
  });

  it('says it for each group of the metadata, and for skin tones where there are masks', async () => {
    const own = path.join(folder, 'described');
    await writeTinyDataset(own, 12);
    const metadata = path.join(own, 'HAM10000_metadata.csv');
    const [header, ...rows] = (await readFile(metadata, 'utf8')).trim().split('\n');
    const described = rows.map((row, i) => `${row},${20 + 5 * i},${i % 2 ? 'male' : 'female'},back,one`);
    await writeFile(metadata, [`${header},age,sex,localization,dataset`, ...described].join('\n'));
    const masks = path.join(folder, 'elsewhere');
    await mkdir(masks);
    const mask = sharp({ create: { width: 20, height: 16, channels: 3, background: 'black' } });
    for (let i = 0; i < 6; i++)
      await mask
        .clone()
        .png()
        .toFile(path.join(masks, `ISIC_000${i}.png`));
    const options = ['--model', triaging, '--dataset', own, '--split', 'all'];
    const named = async (...more: string[]) => {
      const { triage } = await evaluated(...options, ...more);
      return Object.fromEntries(
        Object.entries(triage?.groups ?? {}).map(([attribute, groups]) => [
          attribute,
          groups.map(({ name, images }) => [name, images]),
        ]),
      );
    };
    expect(await named()).toEqual({
      sex: [
        ['female', 6],
        ['male', 6],
      ],
      age: [
        ['under 30', 2],
        ['30 to 44', 3],
        ['45 to 59', 3],
        ['60 to 74', 3],
        ['75 and over', 1],
      ],
      bodySite: [['back', 12]],
      acquisitionSite: [['one', 12]],
      skinTone: [['not known', 12]],
    });
    const { skinTone } = await named('--masks', masks);
    expect(skinTone.at(-1)).toEqual(['not known', 6]);
    const { fault } = await runCommand(evaluateCommand(), [
      ...[...options, '--dataset', own, '--masks', path.join(folder, 'nowhere'), '--no-html'],
    ]);
    expect(fault?.code).toBe('MASKS_FOLDER');
  });

  it('tells people, and draws ROC and decision curve into the report', async () => {
    const page = path.join(folder, 'triage.html');
    const { stdout, fault } = await runCommand(evaluateCommand(), [
      ...['--model', triaging, '--dataset', dataset, '--split', 'all', '--html', page],
    ]);
    expect(fault).toBeNull();
    expect(stdout).toContain('malign called routine');
    const report = await readFile(page, 'utf8');
    expect(report).toContain('For whom triage works');
    expect(report).toContain('Net benefit');
    expect(report.match(/<svg/g)).toHaveLength(5);
  });
});

describe('evaluate --float', () => {
  async function compared(options: { seed?: number; softmax?: boolean }): Promise<EvaluationDocument> {
    const float = path.join(folder, 'linear.onnx');
    await writeFile(float, (await linearOnnx(4, 2, options)).bytes);
    return evaluated('--split', 'all', '--float', float);
  }

  it('adds the float graph’s figures on the same inputs, and the agreement', async () => {
    const document = await compared({});
    expect(document.float).toMatchObject({ source: 'linear.onnx', n: 24 });
    expect(Object.keys(document.float?.perClass ?? {})).toEqual(document.classes);
    expect(document.float?.confusion.flat().reduce((sum, count) => sum + count, 0)).toBe(24);
    expect(document.agreement).toBeGreaterThanOrEqual(0);
    expect(document.agreement).toBeLessThanOrEqual(1);
  });

  it('reads a graph that ends in its softmax as it reads the logits before it', async () => {
    const logits = await compared({});
    const probabilities = await compared({ softmax: true });
    expect(probabilities.float?.confusion).toEqual(logits.float?.confusion);
    expect(probabilities.float?.ece).toBeCloseTo(logits.float?.ece ?? Number.NaN, 4);
    expect(probabilities.agreement).toBe(logits.agreement);
  });

  it('refuses a float model with other classes', async () => {
    const float = path.join(folder, 'three.onnx');
    await writeFile(float, (await linearOnnx(4, 3)).bytes);
    const { exitCode, fault } = await runCommand(evaluateCommand(), [
      ...['--model', model, '--dataset', dataset, '--float', float, '--no-html'],
    ]);
    expect(exitCode).toBe(3);
    expect(fault?.describe()).toContain('expected 2 outputs, received 3');
  });
});

describe('evaluate by protocol', () => {
  it('shows both, and says that the other is not there', async () => {
    const document = await evaluated();
    expect(document.protocols.lesion).toMatchObject({ source: 'this run', figures: { n: 8 } });
    expect(document.protocols.paper).toMatchObject({ figures: null });
  });

  it('keeps the figures of the whole test split beside the bundle on demand, and shows them again', async () => {
    const own = path.join(folder, 'recorded.spikescope');
    await writeBundle(own, tinyModel());
    const first = await evaluated('--model', own, '--record', '--protocol', 'lesion');
    const later = await evaluated(
      '--model',
      own,
      '--protocol',
      'paper',
      '--cache',
      path.join(folder, 'cache'),
    );
    expect(later).toMatchObject({ protocol: 'paper', protocols: { paper: { source: 'this run' } } });
    expect(later.protocols.lesion.figures).toEqual(first.protocols.lesion.figures);
  });

  it('keeps the figures of validation for those who choose a bundle', async () => {
    const own = path.join(folder, 'chosen.spikescope');
    await writeBundle(own, tinyModel());
    const {
      model: identity,
      n,
      top1,
      macroF1,
    } = await evaluated('--model', own, '--record', '--split', 'val');
    const validation = { images: n, top1, macroF1, malignancyAuc: null };
    const plain = { validation, corruption: null, cortexA76: null };
    expect(await readChoiceFigures(own, identity.digest)).toMatchObject(plain);
    const { corruption } = await evaluated('--model', own, '--record', '--split', 'val', '--corruptions');
    const lost = { corruption: { top1Lost: corruption?.meanLost.value } };
    expect(await readChoiceFigures(own, identity.digest)).toMatchObject({ ...plain, ...lost });
    // Of another bundle nothing is known, even where it lies in the same place.
    expect(await readChoiceFigures(own, 'another')).toBeNull();
  });

  it('says which file of figures it cannot read', async () => {
    const own = path.join(folder, 'damaged.spikescope');
    await writeFile(choiceFiguresFile(own), '{"format": 9}');
    await expect(readChoiceFigures(own, '')).rejects.toMatchObject({
      code: 'CHOICE_FIGURES',
      details: { file: choiceFiguresFile(own) },
    });
  });

  it('keeps no figures of a part of the split', async () => {
    const { fault } = await runCommand(evaluateCommand(), [
      ...['--model', model, '--dataset', dataset, '--limit', '3', '--record', '--no-html'],
    ]);
    expect(fault?.code).toBe('RECORD');
  });

  it('refuses to call a split by image one by lesion', async () => {
    const own = path.join(folder, 'by-image');
    await writeTinyDataset(own, 12);
    const metadata = path.join(own, 'HAM10000_metadata.csv');
    const text = await readFile(metadata, 'utf8');
    await writeFile(metadata, text.replace(/^[^,\n]*,(?=ISIC)/gm, 'one,'));
    const { exitCode, fault } = await runCommand(evaluateCommand(), [
      ...['--model', model, '--dataset', own, '--protocol', 'lesion', '--no-html'],
    ]);
    expect(exitCode).toBe(3);
    expect(fault?.code).toBe('EVALUATION_PROTOCOL');
  });
});

describe('evaluate for people', () => {
  it('shows headline figures, classes and confusion', async () => {
    const { stdout, fault } = await runCommand(evaluateCommand(), [
      ...['--model', model, '--dataset', dataset, '--no-html'],
    ]);
    expect(fault).toBeNull();
    for (const word of [
      'tiny 1.0.0 on set, test: 8 images',
      'Top-1',
      'Macro F1',
      'ECE',
      'precision',
      'true \\ named',
    ]) {
      expect(stdout).toContain(word);
    }
  });
});

describe('the report of evaluate', () => {
  it('is one page that loads nothing, holds the wrong answers as pictures, and only its owner may read', async () => {
    const html = path.join(folder, 'reports/deep/test.html');
    await mkdir(path.dirname(html), { recursive: true });
    const { fault, stderr } = await runCommand(evaluateCommand(), [
      ...[
        '--model',
        model,
        '--dataset',
        dataset,
        '--split',
        'all',
        '--corruptions',
        '--html',
        html,
        '--json',
      ],
    ]);
    expect(fault).toBeNull();
    expect(stderr).toContain(html);
    const page = await readFile(html, 'utf8');
    expect(page).not.toMatch(/<script|<link|<iframe|@import|url\(/i);
    expect(page).not.toMatch(/(?:src|href)="(?!data:)/i);
    expect(page).toContain("default-src 'none'");
    expect(page.match(/<svg/g)).toHaveLength(3);
    expect(page).toContain('data:image/jpeg;base64,');
    expect(page).toContain('Keep it on this machine');
    expect(page).toContain('What corrupted photographs cost');
    expect((await stat(html)).mode & 0o077).toBe(0);
  });
});

describe('evaluate refuses', () => {
  it('a split that nothing defines, and says how to go on', async () => {
    const own = path.join(folder, 'unsplit');
    await writeTinyDataset(own, 6);
    await rm(path.join(own, 'split_lesion.csv'));
    const { exitCode, fault } = await runCommand(evaluateCommand(), ['--model', model, '--dataset', own]);
    expect(exitCode).toBe(2);
    expect(fault?.describe()).toContain('--split all');
  });

  it('a data set whose classes the model does not know', async () => {
    const own = path.join(folder, 'foreign');
    await writeTinyDataset(own, 6);
    await writeFile(path.join(own, 'HAM10000_metadata.csv'), 'image_id,dx\nISIC_0000,nv\n');
    const { exitCode, fault } = await runCommand(evaluateCommand(), ['--model', model, '--dataset', own]);
    expect(exitCode).toBe(3);
    expect(fault?.code).toBe('DATASET_UNKNOWN_CLASS');
  });

  it('a split of damaged images only', async () => {
    const own = path.join(folder, 'ruined');
    await writeTinyDataset(own, 2);
    for (const name of ['ISIC_0000', 'ISIC_0001']) {
      await writeFile(path.join(own, `images/part_1/${name}.jpg`), 'not a picture');
    }
    const { exitCode, fault } = await runCommand(evaluateCommand(), [
      ...['--model', model, '--dataset', own, '--split', 'all'],
    ]);
    expect(exitCode).toBe(3);
    expect(fault?.code).toBe('EVALUATION_EMPTY');
  });

  it('a float model that is none', async () => {
    const float = path.join(folder, 'float.onnx');
    await writeFile(float, 'not a model');
    const { exitCode, fault } = await runCommand(evaluateCommand(), [
      ...['--model', model, '--dataset', dataset, '--float', float],
    ]);
    expect(exitCode).toBe(3);
    expect(fault?.code).toBe('FLOAT_MODEL');
  });

  it('unknown splits and limits as wrong usage', async () => {
    for (const options of [
      ['--split', 'holdout'],
      ['--limit', '0'],
      ['--limit', 'many'],
    ]) {
      await expect(runCommand(evaluateCommand(), ['--dataset', dataset, ...options])).rejects.toMatchObject({
        name: 'CommanderError',
      });
    }
  });
});

const data = process.env.SPIKESCOPE_DATA ?? '../shared';
const shipped = 'models/qana64.spikescope';

describe.skipIf(!existsSync(path.join(data, 'ham10000')) || !existsSync(shipped))('on the real data', () => {
  it('the integer model keeps up with the float model on the same inputs', async () => {
    const { stdout, fault } = await runCommand(evaluateCommand(), [
      ...['--dataset', path.join(data, 'ham10000'), '--float', 'models/qana64.checkpoint'],
      ...['--no-crop', '--no-tiling', '--no-html', '--json', '--limit', '300'],
    ]);
    expect(fault).toBeNull();
    const document: EvaluationDocument = JSON.parse(stdout);
    expect(document.n).toBe(300);
    expect(document.agreement).toBeGreaterThan(0.95);
    expect(Math.abs(document.top1 - (document.float?.top1 ?? 0))).toBeLessThan(0.03);
  });
});
