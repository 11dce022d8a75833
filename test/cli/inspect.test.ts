import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectCommand } from '../../src/cli/inspect/inspect.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { runCommand } from '../support/run-command.ts';
import { scopedModel } from '../support/scoped-model.ts';
import { tinyModel } from '../support/tiny-model.ts';
import { programmedModel } from '../support/tiny-programs.ts';

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

  it('names the scope and what is expected of it, where there is one', async () => {
    expect(JSON.parse((await runCommand(inspectCommand(), [bundle, '--json'])).stdout).scope).toBeNull();
    const scoped = path.join(folder, 'scoped.spikescope');
    await writeBundle(scoped, scopedModel());
    const { scope } = JSON.parse((await runCommand(inspectCommand(), [scoped, '--json'])).stdout);
    expect(scope).toMatchObject({
      method: 'outlier-exposure',
      expected: { outOfScope: 0.005, nothing: 0.98 },
    });
    expect(scope).not.toHaveProperty('weights');
    expect((await runCommand(inspectCommand(), [scoped])).stdout).toContain(
      '0.5 % of validation, 98.0 % of frames',
    );
  });

  it('names what a card is given, and the programs without their bytes', async () => {
    const plain = JSON.parse((await runCommand(inspectCommand(), [bundle, '--json'])).stdout);
    expect([plain.akida1, plain.akidaPrograms]).toEqual([null, []]);
    const programmed = path.join(folder, 'programmed.spikescope');
    const { akidaPrograms, ...model } = programmedModel();
    const layers = [
      { name: 'convolution', thresholds: Int32Array.of(-7, 12), steps: Int32Array.of(40, 648) },
    ];
    const manifest = { ...model.manifest, akida1: { layers, shifts: Int32Array.of(-10, 20) } };
    await writeBundle(programmed, { ...model, manifest, akidaPrograms });
    const document = JSON.parse((await runCommand(inspectCommand(), [programmed, '--json'])).stdout);
    expect(document.akida1).toEqual({
      layers: [{ name: 'convolution', thresholds: [-7, 12], steps: [2.5, 40.5] }],
      shifts: [-10, 20],
    });
    expect(document.akidaPrograms).toHaveLength(4);
    expect(document.akidaPrograms[3]).toEqual({
      ...{ device: 'akd1500', kind: 'backbone', compiler: '2.19.3', deviceVersion: 'BC.00.000.002' },
      ...{ mode: 'Minimal', passes: 1, processors: { used: 2, of: 78 }, bytes: { info: 9, data: 7 } },
    });
    const { stdout } = await runCommand(inspectCommand(), [programmed]);
    expect(stdout).toMatch(/convolution +2 +-7 … 12 +2\.5 … 40\.5/);
    expect(stdout).toMatch(/head +2 +shifts -10 … 20/);
    expect(stdout).toMatch(/akd1000 backbone +1 pass +2 of 78 processors/);
    await writeBundle(programmed, { ...model, manifest });
    expect((await runCommand(inspectCommand(), [programmed])).stdout).toContain('no program for a card');
  });

  it('shows people the layers, the readout and the card', async () => {
    const { stdout } = await runCommand(inspectCommand(), [bundle]);
    for (const word of ['convolution', 'not calibrated', 'thresholds', 'benign', 'licence', 'akd1000']) {
      expect(stdout).toContain(word);
    }
  });

  it('shows what a terminal would obey, in whichever text of the bundle it stands', async () => {
    const hostile = '\u001b[2J\u001b]0;owned\u0007\u202e';
    const model = tinyModel();
    const [convolution, embedding] = model.graph.nodes;
    if (embedding.op !== 'flatten') throw new Error('another tiny model');
    const name = `convolution ${hostile}`;
    const reason = { node: hostile, reason: hostile };
    const file = path.join(folder, 'hostile.spikescope');
    await writeBundle(file, {
      ...model,
      graph: {
        ...model.graph,
        nodes: [
          { ...convolution, name },
          { ...embedding, input: name },
        ],
      },
      readout: {
        ...model.readout,
        fittedOn: { dataset: hostile, split: hostile, images: 1, crop: false },
      },
      manifest: {
        ...model.manifest,
        source: { ...model.manifest.source, name: hostile, format: hostile },
        layers: [
          {
            ...{ name, operator: hostile, sources: [hostile], reparameterisation: [hostile], scale: 1 },
            ...{ zeroPoint: 0, kernel: hostile, placement: { cpu: 'cpu', akd1000: 'host', akida2: 'host' } },
          },
        ],
        targets: { ...model.manifest.targets, akd1000: { maps: false, unmapped: [reason] } },
      },
      card: {
        ...{ description: hostile, data: hostile, protocol: hostile, licence: hostile },
        ...{ metrics: { [hostile]: 1 }, limitations: [hostile] },
      },
    });
    const { exitCode, stdout, stderr } = await runCommand(inspectCommand(), [file]);
    expect(exitCode).toBe(0);
    expect(`${stdout}${stderr}`).not.toMatch(/[^\P{Cc}\n]|\p{Cf}/u);
    // Name, source, kernel, target's node and reason, data set and split, four texts, a figure, a limitation.
    expect(stdout.split('\\u001b[2J').length - 1).toBe(13);
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
