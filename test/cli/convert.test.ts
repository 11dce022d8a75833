import { mkdir, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { convertCommand } from '../../src/cli/convert.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import { openModel } from '../../src/runtime/open-model.ts';
import { lesionImage } from '../support/drawn-lesion.ts';
import { OnnxBuilder } from '../support/onnx.ts';
import { runCommand } from '../support/run-command.ts';

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
    });
    expect(
      (await run(model, images, path.join(folder, 'no', 'such', 'folder.spikescope'))).fault,
    ).toMatchObject({ code: 'OUT_UNWRITABLE', exitCode: 1 });
  });
});
