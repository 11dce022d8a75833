import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseHTML } from 'linkedom';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inspectCommand } from '../../src/cli/inspect/inspect.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { runCommand } from '../support/run-command.ts';
import { writeTinyDataset } from '../support/tiny-dataset.ts';
import { tinyModel } from '../support/tiny-model.ts';

describe('inspect --activity', () => {
  let folder: string;
  let bundle: string;
  let dataset: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'activity-'));
    bundle = path.join(folder, 'tiny.spikescope');
    dataset = path.join(folder, 'dataset');
    await writeBundle(bundle, tinyModel());
    await writeTinyDataset(dataset, 12);
  });
  afterAll(() => rm(folder, { recursive: true }));

  const run = (...args: string[]) => runCommand(inspectCommand(), [bundle, '--activity', ...args]);

  it('adds the activity of generated phantoms to the document, layer by layer', async () => {
    const { exitCode, stdout } = await run('--json', '--no-html', '--limit', '3');
    expect(exitCode).toBe(0);
    const { activity, layers, model } = JSON.parse(stdout);
    expect(model.name).toBe('tiny');
    expect(activity.layers.map(({ name }: { name: string }) => name)).toEqual([
      'input',
      ...layers.map(({ name }: { name: string }) => name),
    ]);
    expect([activity.images, activity.equalToEngine, activity.unreadable]).toEqual([3, 3, 0]);
    expect(activity.windows.map(({ steps }: { steps: number }) => steps)).toEqual([1, 3, 15, 255]);
    expect(activity.windows[3]).toMatchObject({ agreement: 1, top1: null });
    // 48 encoders; four places of 2 channels, each with 27 synapses less those that lie on the border.
    const [input, convolution, , head] = activity.layers;
    expect([input.neurons, convolution.neurons, head.neurons]).toEqual([48, 8, 2]);
    expect([convolution.synapses, head.synapses]).toEqual([2 * 3 * (9 + 6 + 6 + 4), 16]);
  });

  it('says what it measured and labels what it estimates', async () => {
    const { stdout } = await run('--json', '--no-html', '--limit', '1');
    const { energy, windows } = JSON.parse(stdout).activity;
    expect(energy.measured === null).toBe(energy.reason !== null);
    expect(energy.estimate).toMatchObject({ label: 'estimate', source: expect.stringContaining('Horowitz') });
    // 150 synapses of the convolution and 16 of the head, 0.3 pJ each.
    expect(energy.estimate.dense).toBeCloseTo(166 * 0.3e-6, 12);
    expect(energy.estimate.spikes).toBeCloseTo(windows[3].synapticOperations * 0.1e-6, 12);
  });

  it('measures accuracy against the number of steps on a data set, and writes a report', async () => {
    const html = path.join(folder, 'activity.html');
    const args = ['--dataset', dataset, '--split', 'all', '--windows', '5,51', '--html', html];
    const { exitCode, stdout } = await run(...args, '--json');
    expect(exitCode).toBe(0);
    const { windows, images } = JSON.parse(stdout).activity;
    expect(images).toBe(12);
    expect(windows.map(({ steps }: { steps: number }) => steps)).toEqual([5, 51, 255]);
    for (const { top1 } of windows) expect(Number.isInteger(Math.round(top1 * 1e9 * 12) / 1e9)).toBe(true);
    const { document } = parseHTML(await readFile(html, 'utf8'));
    expect(document.querySelectorAll('svg')).toHaveLength(2);
    expect(document.querySelectorAll('script, img')).toHaveLength(0);
    expect(document.querySelector('h1')?.textContent).toContain('tiny');
  });

  it('draws a bar per layer for people', async () => {
    const { stdout } = await run('--no-html', '--limit', '1');
    expect(stdout).toMatch(/^convolution +convolution .*[█░]{24} +\d+\.\d %/m);
    expect(stdout).toContain('equal the engine');
    expect(stdout).toMatch(/estimate, arithmetic of synapses alone/);
  });

  it.each([
    [['--windows', '7'], 'WINDOW', 2],
    [['--images', '.', '--dataset', '.'], 'OPTION', 2],
    [['--images', 'no such folder'], 'FOLDER_UNREADABLE', 2],
  ])('refuses %j', async (args, code, exit) => {
    const { exitCode, stdout, fault } = await run('--json', '--no-html', ...args);
    expect([exitCode, stdout, fault?.code]).toEqual([exit, '', code]);
  });

  it('refuses images of which none can be read', async () => {
    const broken = await mkdtemp(path.join(folder, 'broken-'));
    await writeFile(path.join(broken, 'a.jpg'), 'no image');
    const { exitCode, fault } = await run('--no-html', '--images', broken);
    expect([exitCode, fault?.code]).toEqual([3, 'ACTIVITY_EMPTY']);
  });

  it('is the only one to heed its options', async () => {
    for (const option of [['--limit', '3'], ['--split', 'test'], ['--split-file', 'x'], ['--no-html']]) {
      const { exitCode, fault } = await runCommand(inspectCommand(), [bundle, ...option]);
      expect([exitCode, fault?.details.remedy]).toEqual([2, 'add --activity']);
    }
  });
});
