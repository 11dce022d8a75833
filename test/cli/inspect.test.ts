import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectCommand } from '../../src/cli/inspect/inspect.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { runCommand } from '../support/run-command.ts';
import { tinyModel } from '../support/tiny-model.ts';

describe('inspect', () => {
  let folder: string;
  let bundle: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'inspect-'));
    bundle = path.join(folder, 'tiny.spikescope');
    await writeBundle(bundle, tinyModel());
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('prints one JSON document with every layer, its cost and the totals', async () => {
    const { exitCode, stdout, stderr } = await runCommand(inspectCommand(), [bundle, '--json']);
    expect(exitCode).toBe(0);
    expect(stderr).toBe('');
    const document = JSON.parse(stdout);
    expect(document.layers.map(({ name }: { name: string }) => name)).toEqual([
      'convolution',
      'embedding',
      'head',
    ]);
    // 2×2 outputs of 2 channels from 3×3×3 windows, and a head of 2 × 8.
    expect(document.totals.multiplyAdds).toBe(4 * 2 * 27 + 16);
    expect(document.engine.goldenInputsReplayed).toBe(1);
    // Weights −127…127 and a clamp at 250; a flatten has no bits of its own; a head of −100…99.
    expect(
      document.layers.map((layer: { weightBits: number; activationBits: number }) => [
        layer.weightBits,
        layer.activationBits,
      ]),
    ).toEqual([
      [8, 8],
      [null, null],
      [8, null],
    ]);
    expect(document.model.digest).toMatch(/^[0-9a-f]{64}$/);
  });

  it('shows people the layers, the readout and the card', async () => {
    const { stdout } = await runCommand(inspectCommand(), [bundle]);
    for (const word of ['convolution', 'not calibrated', 'thresholds', 'benign', 'licence', 'akd1000']) {
      expect(stdout).toContain(word);
    }
  });

  it('shows the bundle that ships with the project when none is named', async () => {
    const { exitCode, stdout } = await runCommand(inspectCommand(), ['--json']);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).classes).toEqual(['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc']);
  });

  it('refuses a bundle whose golden potentials the engine does not reproduce', async () => {
    const model = tinyModel();
    model.golden[0].potentials[0] += 1;
    const file = path.join(folder, 'wrong.spikescope');
    await writeBundle(file, model);
    const { exitCode, stdout, fault } = await runCommand(inspectCommand(), [file, '--json']);
    expect([exitCode, stdout, fault?.code]).toEqual([3, '', 'BUNDLE_GOLDEN']);
  });

  it('refuses a file that is no bundle', async () => {
    const file = path.join(folder, 'model.onnx');
    await writeFile(file, 'onnx');
    expect((await runCommand(inspectCommand(), [file])).exitCode).toBe(3);
  });
});
