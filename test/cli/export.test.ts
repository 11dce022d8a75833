import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exportCommand } from '../../src/cli/export/export.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import { importOnnx } from '../../src/conversion/onnx/import.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { writeCheckpoint } from '../../src/model/checkpoint/file.ts';
import { randomCheckpoint } from '../support/architectures.ts';
import { linearOnnx } from '../support/linear-onnx.ts';
import { outlineOf } from '../support/onnx-session.ts';
import { runCommand } from '../support/run-command.ts';
import { tinyModel } from '../support/tiny-model.ts';

let folder: string;
let out: string;
let bundle: string;
let checkpoint: string;

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'export-'));
  out = path.join(folder, 'out.onnx');
  bundle = path.join(folder, 'tiny.spikescope');
  checkpoint = path.join(folder, 'tiny.checkpoint');
  await writeBundle(bundle, tinyModel());
  await writeCheckpoint(checkpoint, randomCheckpoint());
});
afterAll(() => rm(folder, { recursive: true }));

const exported = (...options: string[]) => runCommand(exportCommand(), ['--out', out, ...options]);

describe('export', () => {
  it('writes a bundle as QDQ, and prints one JSON document', async () => {
    const { fault, stdout } = await exported('--format', 'onnx-qdq', '--model', bundle, '--json');
    expect(fault).toBeNull();
    const bytes = await readFile(out);
    expect(JSON.parse(stdout)).toEqual({
      file: out,
      format: 'onnx-qdq',
      opset: 17,
      source: bundle,
      bytes: bytes.length,
    });
    expect((await outlineOf(bytes)).operators).toContain('QuantizeLinear');
  });

  it('takes the shipped bundle unless told otherwise', async () => {
    const { fault, stdout } = await exported('--format', 'onnx-qdq');
    expect(fault).toBeNull();
    expect(stdout).toMatch(/out\.onnx {2}onnx-qdq, opset 17, \d+\.\d KiB, from .*qana64\.spikescope/);
  });

  it('writes a checkpoint as float, its averages or its last weights', async () => {
    expect((await exported('--format', 'onnx-float', '--from', checkpoint)).fault).toBeNull();
    const averages = await importOnnx(await readFile(out), out);
    expect(
      (await exported('--format', 'onnx-float', '--from', checkpoint, '--no-averages')).fault,
    ).toBeNull();
    const last = await importOnnx(await readFile(out), out);
    const image = new Float32Array(16 * 16 * 3).fill(0.5);
    expect(evaluate(averages.graph, image)).not.toEqual(evaluate(last.graph, image));
  });

  it('writes an ONNX model as float, folded', async () => {
    const model = path.join(folder, 'linear.onnx');
    await writeFile(model, (await linearOnnx(4, 3)).bytes);
    expect((await exported('--format', 'onnx-float', '--from', model)).fault).toBeNull();
    expect((await outlineOf(await readFile(out))).operators).toEqual(['Flatten', 'Gemm']);
  });

  it.each([
    ['a float graph of a bundle', ['--format', 'onnx-float', '--model', 'b'], 2, 'EXPORT_SOURCE'],
    ['a float graph of nothing', ['--format', 'onnx-float'], 2, 'EXPORT_SOURCE'],
    ['integers of a float model', ['--format', 'onnx-qdq', '--from', 'm'], 2, 'EXPORT_SOURCE'],
    ['a bundle that is not there', ['--format', 'onnx-qdq', '--model', 'nowhere'], 3, 'BUNDLE_UNREADABLE'],
    ['a model that is not there', ['--format', 'onnx-float', '--from', 'nowhere'], 3, 'ONNX_UNREADABLE'],
  ])('refuses %s', async (_, options, exitCode, code) => {
    expect(await exported(...options)).toMatchObject({ exitCode, fault: { code } });
  });

  it('says so where the file cannot be written', async () => {
    const nowhere = path.join(folder, 'no', 'such', 'out.onnx');
    const run = await runCommand(exportCommand(), [
      '--format',
      'onnx-qdq',
      '--model',
      bundle,
      '--out',
      nowhere,
    ]);
    expect(run).toMatchObject({ exitCode: 1, fault: { code: 'OUT_UNWRITABLE' } });
  });

  it('wants a format, and one source', async () => {
    await expect(exported()).rejects.toMatchObject({ name: 'CommanderError' });
    await expect(exported('--format', 'onnx-qdq', '--model', 'a', '--from', 'b')).rejects.toMatchObject({
      name: 'CommanderError',
    });
  });
});
