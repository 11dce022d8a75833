import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type BackendBench, timeBackend } from '../../src/bench/backend.ts';
import type { BenchDocument } from '../../src/bench/document.ts';
import { benchCommand } from '../../src/cli/bench/bench.ts';
import { cardWearCommand } from '../../src/cli/bench/suites/card-wear.ts';
import { SUITES } from '../../src/cli/bench/suites/suites.ts';
import { backendLines } from '../../src/cli/bench/text.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes, writeBundle } from '../../src/model/bundle/write.ts';
import { interpreterBackend } from '../../src/runtime/engine/interpreter.ts';
import { lesionImage } from '../support/drawn-lesion.ts';
import { FailingCard } from '../support/failing-card.ts';
import { onnxruntime } from '../support/onnx.ts';
import { runCommand } from '../support/run-command.ts';
import { tinyModel } from '../support/tiny-model.ts';

let folder: string;
let common: string[];

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'bench-'));
  const model = path.join(folder, 'tiny.spikescope');
  await writeBundle(model, tinyModel());
  await writeFile(path.join(folder, 'lesion.jpg'), await lesionImage().jpeg().toBuffer());
  common = ['--model', model, '--images', folder, '--iterations', '20'];
});
afterAll(() => rm(folder, { recursive: true }));

describe('bench of one backend', () => {
  const bench = (...args: string[]) => runCommand(benchCommand(), [...common.slice(0, 2), ...args]);

  it('times it alone at each batch, and has no figure of energy', async () => {
    const { stdout, fault } = await bench(
      '--backend',
      'interpreter',
      '--batch',
      '1,3',
      '--iterations',
      '5',
      '--json',
    );
    expect(fault).toBeNull();
    const document: BackendBench = JSON.parse(stdout);
    expect(document).toMatchObject({ backend: 'interpreter', timed: 'processor', energy: null });
    expect(document.model.name).toBe('tiny');
    expect(document.results.map(({ batch }) => batch)).toEqual([1, 3]);
    for (const { batch, latency, imagesPerSecond } of document.results) {
      expect(latency.p99).toBeGreaterThanOrEqual(latency.median);
      expect(imagesPerSecond * latency.median).toBeCloseTo(1000 * batch, 3);
    }
  });

  it('says the same to people', async () => {
    const { stdout } = await bench('--backend', 'interpreter', '--batch', '2', '--iterations', '3');
    expect(stdout).toMatch(/tiny 1\.0\.0 on interpreter, scalar/);
    expect(stdout).toContain('energy: not measured');
  });

  it('ends with what keeps a card from being timed', async () => {
    expect(await bench('--backend', 'akida')).toMatchObject({
      exitCode: 1,
      fault: { code: 'BACKEND_ABSENT' },
    });
    expect(await bench('--backend', 'gpu')).toMatchObject({ exitCode: 2, fault: { code: 'OPTION' } });
  });

  it('says of a card that is played that its times are not those of silicon', async () => {
    const bundle = parseBundle(bundleBytes(tinyModel()), 'tiny');
    const card = new FailingCard(interpreterBackend);
    const engine = await card.backend.open(bundle.graph);
    const timed = await timeBackend(bundle, engine, { batch: [1], iterations: 2, isPlayed: true });
    await engine.close();
    expect(timed).toMatchObject({ timed: 'played card', energy: null });
    expect(backendLines(timed).join('\n')).toContain('times of a card that is played');
    expect(backendLines({ ...timed, timed: 'card' }).join('\n')).not.toContain('played');
  });

  it('takes no figure of a card that changes its mind', async () => {
    const bundle = parseBundle(bundleBytes(tinyModel()), 'tiny');
    const card = new FailingCard(interpreterBackend);
    const engine = await card.backend.open(bundle.graph);
    const options = { batch: [1], iterations: 5 };
    expect(await timeBackend(bundle, engine, options)).toMatchObject({
      backend: 'akida',
      ...{ runsOn: 'a test’s card', timed: 'card' },
    });
    let calls = 0;
    card.outcomeOf = () => (calls++ === 20 ? 'lies' : 'answers');
    await expect(timeBackend(bundle, engine, options)).rejects.toMatchObject({ code: 'BENCH_ANSWER' });
    await engine.close();
  });
});

describe('bench', () => {
  it('prints every batch and thread count, the stages, and which peer is absent and why', async () => {
    const { stdout, fault } = await runCommand(benchCommand(), [
      ...common,
      '--batch',
      '1,3',
      '--threads',
      '1,2',
      '--json',
    ]);
    expect(fault).toBeNull();
    const document: BenchDocument = JSON.parse(stdout);
    expect(document.results.map(({ graph, batch, threads }) => [graph, batch, threads])).toEqual([
      ['tiny', 1, 1],
      ['tiny', 3, 1],
      ['tiny', 1, 2],
      ['tiny', 3, 2],
    ]);
    for (const { engine, peers } of document.results) {
      expect(engine.median).toBeGreaterThan(0);
      expect(engine.p99).toBeGreaterThanOrEqual(engine.median);
      expect(Object.keys(peers)).toEqual(onnxruntime === null ? [] : ['onnxruntime-int8']);
      for (const { median } of Object.values(peers)) expect(median).toBeGreaterThan(0);
    }
    expect(document.absent).toMatchObject({
      'onnxruntime-float': expect.stringMatching(/--float|not installed/),
    });
    expect(document.energy.measured === null).toBe(document.energy.reason !== null);
    expect(document.layers.map(({ graph }) => graph)).toEqual(['tiny']);
    expect(document.node.calls).toBe(100_000);
    expect(document.node.call.median).toBeGreaterThan(0);
    expect(document.stages.images).toBe(1);
    expect(document.stages.stages.total.median).toBeGreaterThan(document.stages.stages.decode.median);
  });

  it('shows a table, and says that no number stands for an absent peer', async () => {
    const { stdout, fault } = await runCommand(benchCommand(), [...common, '--batch', '1', '--threads', '1']);
    expect(fault).toBeNull();
    expect(stdout).toContain('engine median');
    expect(stdout).toContain('onnxruntime-float: not timed');
  });

  it('draws a page that needs nothing from anywhere', async () => {
    const report = path.join(folder, 'bench.html');
    const { fault } = await runCommand(benchCommand(), [
      ...common,
      ...['--batch', '1', '--threads', '1', '--report', report],
    ]);
    expect(fault).toBeNull();
    const page = await readFile(report, 'utf8');
    expect(page.match(/<svg/g)).toHaveLength(2);
    for (const words of [
      'Roofline',
      'second-level cache',
      'Layers of tiny',
      'onnxruntime-float: not measured',
    ])
      expect(page).toContain(words);
    expect(page).not.toMatch(/(?:src|href)="(?!data:)|NaN|undefined/);
  });

  it('refuses a float model and a folder that are not there', async () => {
    const nowhere = path.join(folder, 'nowhere');
    const float = await runCommand(benchCommand(), [...common, '--float', nowhere]);
    expect(float).toMatchObject({ exitCode: 2, fault: { code: 'FLOAT_MODEL' } });
    const images = await runCommand(benchCommand(), [...common, '--images', nowhere]);
    expect(images).toMatchObject({ exitCode: 2, fault: { code: 'FOLDER_UNREADABLE' } });
  });

  it('names the suites to those who ask for one that is not there', async () => {
    const { exitCode, fault } = await runCommand(benchCommand(), ['nope']);
    expect({ exitCode, code: fault?.code, received: fault?.details.received }).toEqual({
      exitCode: 2,
      code: 'BENCH_SUITE',
      received: 'nope',
    });
    for (const suite of SUITES) expect(fault?.details.expected).toContain(suite().name());
  });

  it('refuses batches and threads that are no whole numbers', async () => {
    for (const option of ['--batch', '--threads', '--iterations']) {
      await expect(runCommand(benchCommand(), [...common, option, '1,x'])).rejects.toMatchObject({
        name: 'CommanderError',
      });
    }
  });
});

describe('bench card-wear', () => {
  it('counts what reaches the disk for each capture, which is at least what the journal keeps', async (context) => {
    const { stdout, fault } = await runCommand(cardWearCommand(), ['--captures', '40', '--json']);
    const isUncounted = fault?.code === 'WRITTEN_BYTES' || fault?.details.field === '--folder';
    context.skip(isUncounted, 'no disk, or a kernel that does not count');
    expect(fault).toBeNull();
    const { captures, written, kept } = JSON.parse(stdout);
    expect(captures).toBe(40);
    expect(kept).toBeGreaterThan(1000);
    expect(written).toBeGreaterThan(kept);
  });

  it('refuses a folder in which no journal can be made', async () => {
    const run = await runCommand(cardWearCommand(), ['--folder', path.join(folder, 'nowhere')]);
    expect(run).toMatchObject({
      exitCode: 2,
      fault: { code: 'WEAR_FOLDER', details: { received: 'no such file or directory' } },
    });
  });
});
