import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { calibrateCommand } from '../../src/cli/calibrate/calibrate.ts';
import { inspectCommand } from '../../src/cli/inspect/inspect.ts';
import type { CalibrationDocument } from '../../src/evaluation/calibration/document.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { runCommand } from '../support/run-command.ts';
import { scopedModel, tinyScope } from '../support/scoped-model.ts';
import { writeTinyDataset } from '../support/tiny-dataset.ts';
import { tinyModel, tinyTable } from '../support/tiny-model.ts';
import { programmedModel } from '../support/tiny-programs.ts';

let folder: string;
let dataset: string;
let model: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'calibrate-'));
  dataset = path.join(folder, 'set');
  await writeTinyDataset(dataset, 30);
});
beforeEach(async () => {
  model = path.join(folder, 'tiny.spikescope');
  await writeBundle(model, tinyModel());
});
afterAll(() => rm(folder, { recursive: true }));

async function calibrated(...options: string[]): Promise<CalibrationDocument> {
  const { stdout, fault } = await runCommand(calibrateCommand(), [
    ...['--model', model, '--dataset', dataset, '--no-html', '--json'],
    ...options,
  ]);
  expect(fault).toBeNull();
  return JSON.parse(stdout);
}

describe('calibrate', () => {
  it('fits on the validation split and writes what it says into the bundle, in place', async () => {
    const document = await calibrated();
    const bundle = await readBundle(model);
    expect(document).toMatchObject({ split: 'val', n: 10, protocol: 'lesion', written: { file: model } });
    expect(document.written.digest).toBe(bundle.digest);
    expect(document.model.digest).not.toBe(bundle.digest);
    expect(bundle.readout.alpha).toBe(document.after.alpha);
    expect(bundle.readout.tiling).toMatchObject({
      tau: document.tiling.tau,
      enabled: document.tiling.enabled,
    });
    expect(bundle.readout.thresholds).toEqual([
      document.thresholds.benign.threshold,
      document.thresholds.malign.threshold,
    ]);
    expect(bundle.readout.fittedOn).toEqual({
      dataset: 'set',
      split: 'val',
      images: 10,
      crop: document.crop.enabled,
    });
    expect(bundle.preprocessing.crop.enabled).toBe(document.crop.enabled);
    expect(bundle.card.metrics['val.ece']).toBe(document.final.ece);
  });

  it('changes neither the graph nor anything else of the bundle', async () => {
    await calibrated();
    const { graph, golden, manifest, name, version } = await readBundle(model);
    const tiny = tinyModel();
    expect({ graph, golden, manifest, name, version }).toEqual({
      graph: tiny.graph,
      golden: tiny.golden,
      manifest: tiny.manifest,
      name: tiny.name,
      version: tiny.version,
    });
  });

  it('keeps the table of classes that the bundle has, and invents none', async () => {
    await calibrated();
    expect((await readBundle(model)).classTable).toBeUndefined();
    await writeBundle(model, { ...tinyModel(), classTable: tinyTable() });
    await calibrated();
    expect((await readBundle(model)).classTable).toEqual(tinyTable());
  });

  it('keeps programs of cards, which are of the graph that it leaves alone', async () => {
    const contents = programmedModel();
    await writeBundle(model, contents);
    await calibrated();
    const { akidaPrograms, manifest } = await readBundle(model);
    expect({ akidaPrograms, manifest }).toEqual({
      akidaPrograms: contents.akidaPrograms,
      manifest: contents.manifest,
    });
  });

  it('says on the card what triage is worth, and on whom this was measured', async () => {
    const own = path.join(folder, 'described');
    await writeTinyDataset(own, 30);
    const metadata = path.join(own, 'HAM10000_metadata.csv');
    const [header, ...rows] = (await readFile(metadata, 'utf8')).trim().split('\n');
    // By lesion, of which there are two images each: every sex has both classes in the split.
    const described = rows.map((row, i) => `${row},${['male', 'female', ''][Math.floor(i / 12) % 3]}`);
    await writeFile(metadata, [`${header},sex`, ...described].join('\n'));
    await writeBundle(model, { ...tinyModel(), classTable: tinyTable() });
    const { triage } = await calibrated('--dataset', own);
    const { card } = await readBundle(model);
    expect(card.triage).toMatchObject({ split: 'val', threshold: triage?.threshold, promised: 0.95 });
    expect(card.triage?.sensitivity).toEqual(triage?.expected.sensitivity);
    expect(card.triage?.specificity).toEqual(triage?.expected.specificity);
    const groups = card.triage?.groups ?? [];
    // Of the images of which the metadata say nothing the card says nothing.
    expect(groups.map(({ attribute, name }) => `${attribute} ${name}`)).toEqual(['sex female', 'sex male']);
    for (const { malignant, benign } of groups) expect(malignant + benign).toBe(4);
    const { stdout } = await runCommand(inspectCommand(), [model]);
    expect(stdout).toMatch(/sex female \(\d malignant, \d benign\)/);
    // A model that no longer triages has no figures of triage left.
    await writeBundle(model, { ...tinyModel(), card });
    await calibrated('--dataset', own);
    expect((await readBundle(model)).card.triage).toBeUndefined();
  });

  it('does not make the likelihood worse on what it was fitted on', async () => {
    const { before, after } = await calibrated();
    expect(after.negativeLogLikelihood).toBeLessThanOrEqual(before.negativeLogLikelihood);
  });

  it('fits no scope to so few images, says so, and keeps the one that the bundle has', async () => {
    expect((await calibrated()).scope).toBeNull();
    expect((await readBundle(model)).scope).toBeUndefined();
    await writeBundle(model, scopedModel());
    expect((await calibrated()).scope).toBeNull();
    expect((await readBundle(model)).scope).toEqual(tinyScope());
  });

  it('gives the same bundle when it is run again on its own result', async () => {
    const first = await calibrated();
    const second = await calibrated();
    expect(second.written.digest).toBe(first.written.digest);
  });

  it('leaves the given bundle alone when told to write elsewhere', async () => {
    const out = path.join(folder, 'other.spikescope');
    const before = await readFile(model);
    const document = await calibrated('--out', out);
    expect((await readFile(model)).equals(before)).toBe(true);
    expect((await readBundle(out)).digest).toBe(document.written.digest);
  });

  it('does as it is told about crop and tiling, and shows the evidence all the same', async () => {
    const document = await calibrated('--crop', '--tiling');
    expect(document.crop).toMatchObject({ enabled: true, decidedBy: 'option' });
    expect(document.tiling).toMatchObject({ enabled: true, decidedBy: 'option' });
    expect(document.crop.without.top1).toBeGreaterThanOrEqual(0);
    const off = await calibrated('--no-crop', '--no-tiling');
    expect(off.crop).toMatchObject({ enabled: false, decidedBy: 'option' });
    expect((await readBundle(model)).readout.tiling.enabled).toBe(false);
  });

  it('keeps a wanted sensitivity', async () => {
    const { thresholds, operatingPoints } = await calibrated('--operating-point', 'malign=0.90');
    expect(operatingPoints).toEqual({ malign: 0.9 });
    expect(thresholds.malign.sensitivity).toBeGreaterThanOrEqual(0.9);
  });

  it('draws a page with the diagrams before and after, without photographs', async () => {
    const html = path.join(folder, 'calibration.html');
    const { fault, stdout } = await runCommand(calibrateCommand(), [
      ...['--model', model, '--dataset', dataset, '--html', html],
    ]);
    expect(fault).toBeNull();
    expect(stdout).toContain('plain softmax');
    const page = await readFile(html, 'utf8');
    expect(page.match(/<svg/g)).toHaveLength(2);
    expect(page).not.toMatch(/<script|<img|<link/);
  });

  it('refuses a class that the model does not know', async () => {
    const { exitCode, fault } = await runCommand(calibrateCommand(), [
      ...['--model', model, '--dataset', dataset, '--operating-point', 'wart=0.9'],
    ]);
    expect(exitCode).toBe(2);
    expect(fault?.code).toBe('OPERATING_POINT');
  });

  it.each([
    ['a test split', ['--split', 'test']],
    ['a sensitivity above one', ['--operating-point', 'malign=1.5']],
    ['an operating point without a class', ['--operating-point', '0.9']],
  ])('refuses %s as wrong usage', async (_, options) => {
    await expect(runCommand(calibrateCommand(), ['--dataset', dataset, ...options])).rejects.toMatchObject({
      name: 'CommanderError',
    });
  });
});
