import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NetworkBuilder } from '../../src/bench/networks/network-builder.ts';
import { trainCommand } from '../../src/cli/train/train.ts';
import { readCheckpoint, writeCheckpoint } from '../../src/model/checkpoint/file.ts';
import { RECIPES } from '../../src/training/recipes/named.ts';
import { QANA_RECIPE } from '../../src/training/recipes/qana.ts';
import { recipeSchema } from '../../src/training/recipes/recipe.ts';
import { randomCheckpoint } from '../support/architectures.ts';
import { TINY_RECIPE } from '../support/phantom-training.ts';
import { runCommand } from '../support/run-command.ts';
import { writeTinyDataset } from '../support/tiny-dataset.ts';

let folder: string;
let recipe: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-train-cli-'));
  await writeTinyDataset(path.join(folder, 'data'), 36);
  recipe = path.join(folder, 'recipe.json');
  await writeFile(recipe, JSON.stringify(TINY_RECIPE));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function train(out: string, ...more: readonly string[]) {
  return runCommand(trainCommand(), [
    ...['--dataset', path.join(folder, 'data'), '--cache', path.join(folder, 'cache')],
    ...['--out', path.join(folder, out), '--recipe', recipe, '--classes', 'benign,malign'],
    ...['--backend', 'cpu', '--batch', '4', ...more],
  ]);
}

describe('train', { timeout: 120_000 }, () => {
  it('makes a checkpoint, a log and a report, and says so as one JSON document', async () => {
    const { stdout, stderr, exitCode } = await train(
      'all',
      '--epochs',
      '2',
      '--quantised-epochs',
      '1',
      '--json',
    );
    expect(exitCode).toBe(0);
    const document = JSON.parse(stdout);
    expect(document).toMatchObject({
      architecture: 'qana',
      quantised: true,
      seed: 1,
      backend: 'cpu',
      epochs: 1,
    });
    const checkpoint = await readCheckpoint(document.checkpoint);
    expect(document.metrics).toEqual(checkpoint.metrics);
    expect(checkpoint.classes).toEqual(['benign', 'malign']);
    expect(stderr).toContain('float epoch 2: loss');
    const page = await readFile(path.join(folder, 'all/report.html'), 'utf8');
    expect(page).toContain('Quantised stage');
    expect(page.match(/<svg/g)).toHaveLength(6);
  });

  it('ends with the float stage where told to', async () => {
    const { stdout } = await train('float', '--epochs', '1', '--no-quantise', '--json');
    expect(JSON.parse(stdout)).toMatchObject({ quantised: false, epochs: 1 });
  });

  it('goes on with a network from elsewhere, for images and classes of its own', async () => {
    const builder = new NetworkBuilder(32, 3);
    const map = builder.relu6(builder.convolution(builder.image, { channels: 4, kernel: 3, stride: 2 }));
    const logits = builder.dense(builder.flatten(builder.globalAverage(map)), 10);
    const model = path.join(folder, 'elsewhere.onnx');
    await writeFile(model, await builder.encode(logits));
    const tuning = path.join(folder, 'fine-tune.json');
    const network = { kind: 'imported', inputSize: 16, headDropout: 0.1 };
    await writeFile(tuning, JSON.stringify({ ...TINY_RECIPE, network, quantisation: null }));
    const options = [
      '--recipe',
      tuning,
      '--epochs',
      '2',
      '--initial',
      model,
      '--mean',
      '0.5',
      '--std',
      '0.25',
    ];
    const whole = await train('tuned', ...options, '--json');
    const checkpoint = await readCheckpoint(JSON.parse(whole.stdout).checkpoint);
    expect(checkpoint.architecture.inputShape).toEqual([16, 16, 3]);
    expect(checkpoint.architecture.layers.map(({ op }) => op)).toEqual([
      'depthwise',
      'convolution',
      'batchNorm',
      'relu',
      'globalMean',
      'dropout',
      'dense',
    ]);
    expect((await train('untuned', '--recipe', tuning)).fault?.code).toBe('INITIAL');
    const own = path.join(folder, 'own.checkpoint');
    await writeCheckpoint(own, randomCheckpoint());
    expect((await train('again', '--initial', own, '--mean', '0.5')).fault?.code).toBe('OPTION');
  });

  it('says what is wrong with the data set before anything else', async () => {
    const { fault, stdout, stderr } = await train('none', '--dataset', path.join(folder, 'nowhere'));
    expect(fault).toMatchObject({ code: 'DATASET_FOLDER', exitCode: 2 });
    expect(stdout + stderr).toBe('');
  });

  it('learns nothing from the test split: its images may be anything', async () => {
    const data = path.join(folder, 'without-test');
    await writeTinyDataset(data, 36);
    const splits = (await readFile(path.join(data, 'split_lesion.csv'), 'utf8')).split('\n');
    const test = splits.filter((line) => line.endsWith(',test')).map((line) => line.split(',')[0]);
    for (const id of test) await writeFile(path.join(data, `images/part_1/${id}.jpg`), 'no picture');
    const { exitCode } = await train('blind', '--dataset', data, '--epochs', '1', '--no-quantise');
    expect(exitCode).toBe(0);
  });

  const faults: [string, string[], string][] = [
    ['a recipe that is none', ['--recipe', 'no-such-recipe'], 'RECIPE'],
    ['a batch larger than the split', ['--batch', '4000'], 'BATCH'],
    ['a teacher of other classes', ['--teacher', 'TEACHER'], 'CLASSES'],
    ['a data set that is not there', ['--dataset', 'nowhere'], 'DATASET_FOLDER'],
  ];
  it.each(faults)('refuses %s, with exit code 2', async (name, options, code) => {
    const teacher = path.join(folder, 'teacher.checkpoint');
    await writeCheckpoint(teacher, randomCheckpoint());
    const words = options.map((word) => (word === 'TEACHER' ? teacher : word));
    const { fault, exitCode } = await train(name.replaceAll(' ', '-'), ...words);
    expect(fault?.code).toBe(code);
    expect(exitCode).toBe(2);
  });
});

describe('the recipes that ship', () => {
  it.each(Object.entries(RECIPES))('%s is one', (name, shipped) => {
    expect(recipeSchema.parse(JSON.parse(JSON.stringify(shipped)))).toEqual(shipped);
    const kind = shipped?.network.kind ?? 'none';
    expect(name.startsWith(kind === 'imported' ? 'fine-tune' : kind)).toBe(true);
  });

  it('train their last float epochs and all quantised ones at the network’s own image size', () => {
    const { float, quantisation, network } = QANA_RECIPE;
    expect(float.schedule.at(-1)?.inputSize).toBe(network.inputSize);
    expect(quantisation?.stage.schedule.every(({ inputSize }) => inputSize === network.inputSize)).toBe(true);
  });
});
