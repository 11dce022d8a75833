import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifyCommand } from '../../src/cli/classify/classify.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { lesionImage } from '../support/drawn-lesion.ts';
import { runCommand } from '../support/run-command.ts';
import { scopedModel, tinyScope } from '../support/scoped-model.ts';
import { tinyModel, tinyTable, tinyTriage } from '../support/tiny-model.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-classify-'));
const model = path.join(folder, 'tiny.spikescope');
const good = path.join(folder, 'images/good.jpg');
const images = path.join(folder, 'images');

beforeAll(async () => {
  await writeBundle(model, tinyModel());
  mkdirSync(path.join(images, 'b/deep'), { recursive: true });
  mkdirSync(path.join(folder, 'empty'));
  const jpeg = await lesionImage().jpeg().toBuffer();
  for (const name of ['good.jpg', 'a.JPEG', 'b/deep/z.png', 'b/c.webp', 'b/10.jpg', 'b/9.jpg']) {
    writeFileSync(path.join(images, name), jpeg);
  }
  writeFileSync(path.join(images, 'notes.txt'), 'not an image, and not named as one');
  writeFileSync(path.join(folder, 'broken.jpg'), jpeg.subarray(0, 500));
  writeFileSync(path.join(folder, 'small.jpg'), await lesionImage(100, 100).jpeg().toBuffer());
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const classify = (...argv: string[]) => runCommand(classifyCommand(), ['--model', model, ...argv]);

async function documents(...argv: string[]) {
  const run = await classify('--json', ...argv);
  return {
    ...run,
    lines: run.stdout
      .split('\n')
      .slice(0, -1)
      .map((line) => JSON.parse(line)),
  };
}

const FIELDS = [
  'path',
  'accepted',
  'reasons',
  'diagnosis',
  'probabilities',
  'potentials',
  'tiled',
  'crop',
  'timings',
  'model',
  'backend',
];

describe('classify --json', () => {
  it('prints one document for an image, with the promised fields and nothing else', async () => {
    const { lines, exitCode, stderr } = await documents(good);
    expect(exitCode).toBe(0);
    expect(stderr).toBe('');
    expect(lines).toHaveLength(1);
    expect(Object.keys(lines[0])).toEqual(FIELDS);
    expect(lines[0]).toMatchObject({
      path: good,
      accepted: true,
      reasons: [],
      crop: { x: 40, y: 0, side: 240 },
      tiled: false,
      model: { name: 'tiny', version: '1.0.0', digest: expect.stringMatching(/^[0-9a-f]{64}$/) },
      backend: 'cpu',
    });
    expect(Object.keys(lines[0].probabilities)).toEqual(['benign', 'malign']);
    expect(Object.keys(lines[0].potentials)).toEqual(['benign', 'malign']);
    expect(Object.keys(lines[0].timings)).toEqual([
      'decode',
      'quality',
      'crop',
      'inference',
      'readout',
      'total',
    ]);
  });

  it('says what to do where the model triages, null for a retake', async () => {
    const triaging = path.join(folder, 'triaging.spikescope');
    await writeBundle(triaging, { ...tinyModel(), classTable: tinyTable(), triage: tinyTriage(0) });
    const small = path.join(folder, 'small.jpg');
    const broken = path.join(folder, 'broken.jpg');
    const { lines } = await documents('--model', triaging, good, small, broken, '/nowhere.jpg');
    expect(lines[0]).toMatchObject({ triage: 'refer', malignancy: lines[0].probabilities.malign });
    for (const turnedBack of lines.slice(1)) {
      expect(turnedBack).toMatchObject({ accepted: false, triage: null, malignancy: null });
      expect(Object.keys(turnedBack)).toEqual(expect.arrayContaining(Object.keys(lines[0])));
    }
    for (const untriaged of (await documents(good, broken)).lines) {
      expect(untriaged).not.toHaveProperty('triage');
      expect(untriaged).not.toHaveProperty('malignancy');
    }
  });

  it('reads folders at any depth, sorted, in the same order whatever the concurrency', async () => {
    const expected = ['a.JPEG', 'b/10.jpg', 'b/9.jpg', 'b/c.webp', 'b/deep/z.png', 'good.jpg'];
    for (const concurrency of ['1', '7']) {
      const { lines, exitCode } = await documents('--concurrency', concurrency, images);
      expect(lines.map((line) => path.relative(images, line.path))).toEqual(expected);
      expect(exitCode).toBe(0);
    }
  });

  it('goes on after an image that is refused, and exits with 3', async () => {
    const { lines, exitCode } = await documents(path.join(folder, 'broken.jpg'), good, '/nowhere.jpg');
    expect(exitCode).toBe(3);
    expect(lines.map(({ accepted, reasons }) => [accepted, reasons])).toEqual([
      [false, ['IMAGE_DAMAGED']],
      [true, []],
      [false, ['IMAGE_NOT_FOUND']],
    ]);
    expect(Object.keys(lines[0])).toEqual([...FIELDS, 'message']);
    expect(lines[0]).toMatchObject({ diagnosis: 'retake', crop: null, probabilities: {} });
    expect(lines[0].message).toContain('broken.jpg');
  });

  it('says `retake` for a capture that fails the integrity check, and exits with 3', async () => {
    const { lines, exitCode } = await documents(path.join(folder, 'small.jpg'));
    expect(exitCode).toBe(3);
    expect(lines[0]).toMatchObject({ accepted: false, reasons: ['too-small'], diagnosis: 'retake' });
    expect(Object.keys(lines[0])).toEqual(FIELDS);
  });

  it('crops and tiles when told to', async () => {
    const [{ crop }] = (await documents('--crop', good)).lines;
    expect(crop.side).toBeLessThanOrEqual(240);
    const [{ tiled }] = (await documents('--no-tiling', '--no-crop', good)).lines;
    expect(tiled).toBe(false);
  });
});

describe('classify for people', () => {
  it('prints an aligned line per image and sums up on stderr', async () => {
    const { stdout, stderr, exitCode } = await classify(images, path.join(folder, 'broken.jpg'));
    expect(exitCode).toBe(3);
    const lines = stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(7);
    expect(new Set(lines.slice(0, 6).map((line) => line.search(/benign|malign/)))).toHaveProperty('size', 1);
    expect(lines[0]).toMatch(/█+░* {2}(benign|malign) \d\.\d\d/);
    expect(lines[6]).toMatch(/broken\.jpg +refused +.*IMAGE_DAMAGED/);
    expect(stderr).toMatch(/7 images in .* 6 read, 1 to be retaken or refused/);
  });
});

describe('wrong usage', () => {
  it.each([
    [[], 'NO_IMAGES'],
    [[path.join(folder, 'empty')], 'NO_IMAGES'],
    [['--concurrency', '0', good], 'OPTION_VALUE'],
    [['--concurrency', 'many', good], 'OPTION_VALUE'],
  ])('%j exits with 2', async (argv, code) => {
    const { exitCode, fault, stdout } = await classify(...argv);
    expect(exitCode).toBe(2);
    expect(fault?.code).toBe(code);
    expect(stdout).toBe('');
  });

  it('a model that is none exits with 3 before any image is read', async () => {
    const { exitCode, stdout } = await runCommand(classifyCommand(), ['--model', good, good]);
    expect(exitCode).toBe(3);
    expect(stdout).toBe('');
  });
});

describe('classify with a model that tells what is no lesion', () => {
  const scoped = path.join(folder, 'scoped.spikescope');
  const run = (...argv: string[]) => runCommand(classifyCommand(), ['--model', scoped, good, ...argv]);

  it('sends a frame without a lesion back, with a reason for programs and words for people', async () => {
    await writeBundle(scoped, scopedModel(tinyScope({ outOfScope: -1 })));
    const { stdout, exitCode } = await run('--json');
    expect(exitCode).toBe(3);
    const expected = { accepted: false, reasons: ['out-of-scope'], diagnosis: 'retake', probabilities: {} };
    expect(JSON.parse(stdout)).toMatchObject(expected);
    expect((await run()).stdout).toContain('no skin lesion recognised: aim at the lesion');
  });

  it('says of a lesion whether it is unlike those of training', async () => {
    await writeBundle(scoped, scopedModel(tinyScope({ unfamiliar: 1e-3 })));
    expect(JSON.parse((await run('--json')).stdout)).toMatchObject({ accepted: true, unfamiliar: true });
    expect((await run()).stdout).toContain('unfamiliar');
    await writeBundle(scoped, scopedModel());
    expect(JSON.parse((await run('--json')).stdout)).toMatchObject({ accepted: true, unfamiliar: false });
    expect((await run()).stdout).not.toContain('unfamiliar');
  });
});
