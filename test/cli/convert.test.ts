import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertCommand } from '../../src/cli/convert/convert.ts';
import { exportQdq } from '../../src/conversion/export/qdq.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes, writeBundle } from '../../src/model/bundle/write.ts';
import { checkpointBytes, writeCheckpoint } from '../../src/model/checkpoint/file.ts';
import type { Checkpoint } from '../../src/model/checkpoint/format.ts';
import { qanaAkd1000 } from '../../src/model/networks/qana-akd1000.ts';
import { openModel } from '../../src/runtime/engine/open-model.ts';
import { randomCheckpoint } from '../support/architectures.ts';
import { lesionImage } from '../support/drawn-lesion.ts';
import { OnnxBuilder } from '../support/onnx.ts';
import { phantomInputs } from '../support/phantoms.ts';
import { runCommand } from '../support/run-command.ts';
import { programmedModel } from '../support/tiny-programs.ts';
import { quantisedCheckpoint } from '../support/trained.ts';

let folder: string;
let model: string;
let images: string;
let out: string;

const convert = (...options: string[]) =>
  runCommand(convertCommand(), ['--from', model, '--calibration', images, '--out', out, ...options]);

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'convert-'));
  model = path.join(folder, 'network.onnx');
  images = path.join(folder, 'images');
  out = path.join(folder, 'network.spikescope');
  const b = new OnnxBuilder({ image: ['n', 3, 16, 16] });
  const x = b.node('Relu', [b.batchNormalization(b.convolution('image', 8, 3), 8)]);
  const y = b.node('Add', [x, b.convolution(x, 8, 8)]);
  b.output(b.node('Gemm', [b.node('Flatten', [b.node('GlobalAveragePool', [y])]), b.weights([8, 7])]));
  await writeFile(model, await b.encode());
  await mkdir(path.join(images, 'nested'), { recursive: true });
  for (let i = 0; i < 6; i++) {
    const file = path.join(images, i % 2 ? 'nested' : '.', `ISIC_${i}.jpg`);
    await writeFile(
      file,
      await lesionImage(160 + i, 150)
        .jpeg()
        .toBuffer(),
    );
  }
  await writeFile(path.join(images, 'broken.jpg'), 'no image');
  // Masks lie beside photographs in HAM10000's layout; white shapes on black would stretch every range.
  await mkdir(path.join(images, 'masks'));
  await writeFile(path.join(images, 'masks', 'ISIC_0.png'), await lesionImage(160, 150).png().toBuffer());
});
afterAll(() => rm(folder, { recursive: true }));

describe('convert', () => {
  it('writes a bundle that an engine opens, and prints one JSON document', async () => {
    const { exitCode, stdout, stderr, fault } = await convert(
      '--target',
      'cpu',
      '--json',
      '--version-label',
      '2.1.0',
    );
    expect(fault).toBeNull();
    expect(exitCode).toBe(0);
    const summary = JSON.parse(stdout);
    expect(summary).toMatchObject({
      bundle: out,
      target: 'cpu',
      deployable: true,
      conversionSuccessRate: 1,
      model: { name: 'network', version: '2.1.0' },
      calibration: { images: 6 },
    });
    expect(stderr).toContain('broken.jpg');
    const { bundle, engine } = await openModel(out);
    expect(bundle.digest).toBe(summary.model.digest);
    await engine.close();
  });

  it('gives the same bytes for the same input', async () => {
    await convert('--json');
    const first = await readFile(out);
    await convert('--json');
    expect((await readFile(out)).equals(first)).toBe(true);
    await convert('--json', '--per-tensor');
    expect((await readFile(out)).equals(first)).toBe(false);
  });

  it('says when programs of cards go with the bundle that it replaces', async () => {
    expect((await convert()).stderr).not.toContain('had programs');
    await writeBundle(out, programmedModel());
    const { exitCode, stderr } = await convert();
    expect(exitCode).toBe(0);
    expect(stderr).toContain('had programs for akd1000 and akd1500, which are of its old graph');
    expect((await readBundle(out)).akidaPrograms).toBeUndefined();
    await writeFile(out, 'no bundle');
    expect((await convert()).stderr).not.toContain('had programs');
  });

  it('shows people a summary with what does not map, and why', async () => {
    const { stdout } = await convert();
    expect(stdout).toContain('conversion success rate  1.000');
    expect(stdout).toContain('cpu: every layer maps');
    expect(stdout).toContain('Akida 1.0 has no add layer: Add_');
  });

  it('calibrates on one split only, and on as many images as it is told', async () => {
    const csv = path.join(folder, 'split.csv');
    await writeFile(csv, 'image_id,split\nISIC_0,train\nISIC_1,train\nISIC_2,test\nISIC_3,train\n');
    const calibratedOn = async (...options: string[]) =>
      JSON.parse((await convert('--json', '--split-file', csv, ...options)).stdout).calibration.images;
    expect(await calibratedOn()).toBe(3);
    expect(await calibratedOn('--images', '2')).toBe(2);
    expect(await calibratedOn('--split', 'test')).toBe(1);
    expect((await convert('--split-file', csv, '--split', 'nowhere')).fault?.code).toBe('SPLIT_FILE');
  });

  it('says that nobody named the classes, in the bundle and to its readers, until somebody does', async () => {
    const guessed = await convert('--json');
    expect(guessed.stderr).toContain(
      'akiec, bcc, bkl, df, mel, nv, vasc. Confirm or correct them with --classes',
    );
    expect(JSON.parse(guessed.stdout)).toMatchObject({ assumedClasses: true });
    expect((await readBundle(out)).assumedClasses).toBe(true);
    const remarks: string[] = [];
    const { bundle, engine } = await openModel(out, { onRemark: (remark) => remarks.push(remark) });
    await engine.close();
    expect(remarks.join()).toContain('assumed');
    expect((await readFile(out)).equals(bundleBytes(bundle))).toBe(true);
    const named = await convert('--json', '--classes', 'akiec,bcc,bkl,df,mel,nv,vasc');
    expect(named.stderr).not.toContain('assumed');
    expect(JSON.parse(named.stdout)).toMatchObject({ assumedClasses: false });
    expect((await readBundle(out)).assumedClasses).toBeUndefined();
  });

  it('tells what is left of the scales of a file that was quantised already', async () => {
    expect(JSON.parse((await convert('--json')).stdout).fileScales).toBeNull();
    const quantised = path.join(folder, 'quantised.onnx');
    await writeFile(quantised, await exportQdq((await readBundle(out)).graph));
    const run = await runCommand(convertCommand(), ['--from', quantised, '--out', out]);
    expect(run.fault).toBeNull();
    expect(run.stdout).toMatch(/kept of the file {9}(\d+) of \1 tensors, (\d+) of \2 layers’ weights/);
  });

  it('tells how the integer network agrees with the float network, on images that it was not calibrated on', async () => {
    const { agreement } = JSON.parse((await convert('--json', '--images', '4')).stdout);
    expect(agreement).toMatchObject({ isHeldOut: true });
    expect(agreement.images).toBeGreaterThan(0);
    expect(agreement.decibels).toBeGreaterThan(10);
    expect(agreement.worst.length).toBeGreaterThan(0);
    const text = (await convert()).stdout;
    expect(text).toMatch(
      /agreement {16}\d of 6, the calibration’s own images, of \w+ class(es)?; logits [\d.]+ dB/,
    );
  });

  it('takes a card', async () => {
    const card = path.join(folder, 'card.json');
    const contents = {
      description: 'd',
      data: 'x',
      protocol: 'p',
      licence: 'l',
      metrics: { 'val.top1': 0.5 },
      limitations: [],
    };
    await writeFile(card, JSON.stringify(contents));
    await convert('--card', card);
    expect((await readBundle(out)).card).toEqual(contents);
    await writeFile(card, JSON.stringify({ ...contents, licence: 7 }));
    expect((await convert('--card', card)).fault).toMatchObject({
      code: 'CARD',
      exitCode: 3,
      details: { field: 'licence' },
    });
  });

  it('writes what is known of HAM10000’s classes into the bundle, and of names that nobody knows nothing', async () => {
    await convert();
    const { classTable, graph } = await readBundle(out);
    expect(classTable?.classes.map(({ code }) => code)).toEqual(graph.classes);
    await convert('--classes', 'a,b,c,d,e,f,mel');
    expect((await readBundle(out)).classTable?.classes.map(({ code }) => code)).toEqual(['mel']);
    await convert('--classes', 'a,b,c,d,e,f,g');
    const bundle = await readBundle(out);
    expect(bundle.classTable).toBeUndefined();
    expect((await readFile(out)).readUInt32LE(8)).toBe(1);
  });

  it('takes a table of other classes, and refuses one that does not follow its format or fit the classes', async () => {
    const file = path.join(folder, 'classes.json');
    const table = { version: 1, classes: [{ code: 'a', names: { en: 'a spot' }, risk: 'benign' }] };
    await writeFile(file, JSON.stringify(table));
    await convert('--classes', 'a,b,c,d,e,f,g', '--classes-table', file);
    expect((await readBundle(out)).classTable).toEqual(table);
    const { fault } = await convert('--classes-table', file);
    expect(fault).toMatchObject({
      code: 'BUNDLE_INCONSISTENT',
      exitCode: 3,
      details: { field: 'classTable' },
    });
    await writeFile(file, JSON.stringify({ ...table, classes: [{ code: 'a', names: { de: 'Fleck' } }] }));
    expect((await convert('--classes-table', file)).fault).toMatchObject({
      code: 'CLASS_TABLE',
      exitCode: 3,
      details: { field: 'classes.0.names' },
    });
    expect((await convert('--classes-table', '/nowhere')).fault).toMatchObject({
      code: 'CLASS_TABLE',
      exitCode: 3,
    });
  });

  it('writes nothing for a chip on which a layer does not map, unless told that the host may help', async () => {
    const bundle = path.join(folder, 'chip.spikescope');
    const forChip = [
      '--from',
      model,
      '--calibration',
      images,
      '--out',
      bundle,
      '--target',
      'akd1000',
      '--json',
    ];
    const refused = await runCommand(convertCommand(), forChip);
    expect([refused.exitCode, refused.stdout, refused.fault?.code]).toEqual([3, '', 'TARGET_UNMAPPED']);
    expect(refused.fault?.message).toContain('no add layer');
    await expect(stat(bundle)).rejects.toThrow();
    const allowed = await runCommand(convertCommand(), [...forChip, '--allow-host']);
    expect(allowed.exitCode).toBe(0);
    expect(JSON.parse(allowed.stdout)).toMatchObject({ target: 'akd1000', deployable: false });
    expect((await readBundle(bundle)).manifest.targets.akd1000.maps).toBe(false);
  });

  it('says at once what no calibration could mend, before it looks for images', async () => {
    const from = [
      '--from',
      model,
      '--calibration',
      path.join(folder, 'nowhere'),
      '--out',
      path.join(folder, 'early'),
    ];
    const { fault } = await runCommand(convertCommand(), [...from, '--target', 'akd1000']);
    expect(fault).toMatchObject({ code: 'TARGET_UNMAPPED', exitCode: 3 });
    expect(fault?.message).toContain('no add layer');
    expect(fault?.message).not.toMatch(/need \d+ bits/);
    const allowed = await runCommand(convertCommand(), [...from, '--target', 'akd1000', '--allow-host']);
    expect(allowed.fault?.code).toBe('CALIBRATION_FOLDER');
  });

  describe('a checkpoint', () => {
    const small = qanaAkd1000({ inputSize: 16, widths: [4, 8], classes: 2 });
    const fromCheckpoint = async (checkpoint: Checkpoint, ...options: string[]) => {
      const file = path.join(folder, 'trained.checkpoint');
      await writeCheckpoint(file, checkpoint);
      const words = ['--from', file, '--out', path.join(folder, 'trained.spikescope'), '--json', ...options];
      return runCommand(convertCommand(), words);
    };
    const float: Checkpoint = { ...randomCheckpoint(small), quantisation: null };

    it('becomes a bundle for the chip, four bits by default, whole', async () => {
      const { fault, stdout } = await fromCheckpoint(float, '--calibration', images, '--target', 'akd1000');
      expect(fault).toBeNull();
      expect(JSON.parse(stdout)).toMatchObject({ deployable: true, calibration: { images: 6 } });
      const { manifest, graph } = await readBundle(path.join(folder, 'trained.spikescope'));
      expect(manifest.source).toMatchObject({ format: 'checkpoint', opset: null });
      expect(graph.classes).toEqual(float.classes);
    });

    it('is refused for the chip in more bits, naming the layers', async () => {
      const eight = ['--weight-bits', '8', '--activation-bits', '8'];
      const { exitCode, fault } = await fromCheckpoint(
        float,
        ...['--calibration', images, '--target', 'akd1000'],
        ...eight,
      );
      expect(exitCode).toBe(3);
      expect(fault?.message).toMatch(/block1\.convolution: .*weights need 8 bits.*activations need 8 bits/);
    });

    it('answers with its moving averages, or with its last weights', async () => {
      const digestOf = async (...options: string[]) =>
        JSON.parse((await fromCheckpoint(float, '--calibration', images, ...options)).stdout).model.digest;
      expect(await digestOf()).not.toBe(await digestOf('--no-averages'));
    });

    it('without trained scales needs images', async () => {
      const { exitCode, fault } = await fromCheckpoint(float);
      expect([exitCode, fault?.code]).toEqual([2, 'CALIBRATION']);
    });

    it('that was trained quantised needs none, and takes no option that would quantise otherwise', async () => {
      const bits = { activations: 4, weights: 4, firstWeights: 8 } as const;
      const trained = await quantisedCheckpoint(small, phantomInputs(4, 16), bits);
      const { fault, stdout } = await fromCheckpoint(trained, '--target', 'akd1000');
      expect(fault).toBeNull();
      expect(JSON.parse(stdout)).toMatchObject({ deployable: true, calibration: { images: 0 } });
      const given = await fromCheckpoint(trained, '--calibration', images);
      expect(given.stderr).toContain('the checkpoint brings the scales of its training');
      for (const option of [
        ['--per-tensor'],
        ['--weight-bits', '8'],
        ['--ghost', 'auto'],
        ['--no-averages'],
      ]) {
        const refused = await fromCheckpoint(trained, ...option);
        expect(refused).toMatchObject({ exitCode: 2, fault: { code: 'TRAINED_QUANTISED' } });
        expect(refused.fault?.details.field).toBe(option[0]);
      }
    });

    it('whose scales do not fit its network is refused, naming the node', async () => {
      const { fault } = await fromCheckpoint(randomCheckpoint(small));
      expect(fault).toMatchObject({
        code: 'TRAINED_QUANTISATION',
        exitCode: 3,
        details: { node: 'input.convolution' },
      });
    });

    it('that is damaged is refused', async () => {
      const file = path.join(folder, 'damaged.checkpoint');
      await writeFile(file, checkpointBytes(float).subarray(0, 500));
      const { fault } = await runCommand(convertCommand(), ['--from', file, '--out', out]);
      expect(fault).toMatchObject({ code: expect.stringMatching(/^CHECKPOINT_/), exitCode: 3 });
    });
  });

  it.each([
    [['--images', '0'], 'OPTION_VALUE'],
    [['--images', 'many'], 'OPTION_VALUE'],
    [['--mean', '124,116,104'], 'NORMALISATION'],
    [['--std', '0'], 'NORMALISATION'],
    [['--mean', '0.1,0.2'], 'NORMALISATION'],
    [['--classes', 'a,b'], 'CLASSES'],
  ])('%j is wrong usage', async (options, code) => {
    expect((await convert(...options)).fault).toMatchObject({ code, exitCode: 2 });
  });

  it('says what is wrong with a folder without images, a model that is none, a place that cannot be written', async () => {
    const empty = path.join(folder, 'empty');
    await mkdir(empty, { recursive: true });
    const run = (from: string, calibration: string, to: string) =>
      runCommand(convertCommand(), ['--from', from, '--calibration', calibration, '--out', to]);
    expect((await run(model, empty, out)).fault).toMatchObject({ code: 'CALIBRATION_EMPTY', exitCode: 3 });
    expect((await run(model, path.join(folder, 'nowhere'), out)).fault).toMatchObject({
      code: 'CALIBRATION_FOLDER',
      exitCode: 3,
    });
    expect((await run(path.join(images, 'broken.jpg'), images, out)).fault?.code).toBe('ONNX_NOT_PROTOBUF');
    expect((await run(path.join(folder, 'none.onnx'), images, out)).fault).toMatchObject({
      code: 'ONNX_UNREADABLE',
      exitCode: 3,
      details: { received: 'no such file or directory' },
    });
    expect(
      (await run(model, images, path.join(folder, 'no', 'such', 'folder.spikescope'))).fault,
    ).toMatchObject({ code: 'OUT_UNWRITABLE', exitCode: 1 });
  });
});
