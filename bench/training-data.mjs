/**
 * What a batch of training images costs: milliseconds of waiting and of processor time (all threads) per batch of 32, by
 * input size, of the native renderer and of the slow one that judges it. Medians over epochs, the quick ones read in
 * turn, so that both meet the same weather, and the slow one after them, so that its garbage is not theirs. The images
 * are phantoms drawn for the occasion.
 *
 *   node bench/training-data.mjs [--epochs N]
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { prepare } from '../scripts/prepare.mjs';

const { values: options } = parseArgs({ options: { epochs: { type: 'string', default: '40' } } });
const EPOCHS = Number(options.epochs);
const COUNT = 32;
const CLASSES = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];

await prepare();
const { openTrainingData } = await import('../dist/training/data/open.js');
const { DEFAULT_AUGMENTATION } = await import('../dist/training/data/augmentation.js');
const { PhantomPainter } = await import('../dist/capture/phantom/draw.js');
const { tableLines } = await import('../dist/ui/terminal/table.js');

/** 128 phantoms of 200×150, as the data set at hand has them. */
async function writePhantoms(folder) {
  const painter = new PhantomPainter();
  const metadata = ['lesion_id,image_id,dx'];
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < 128; i++) {
    const { frame } = painter.draw(i, i % CLASSES.length);
    const raw = { width: frame.width, height: frame.height, channels: 3 };
    await writeFile(
      path.join(folder, `P${i}.jpg`),
      await sharp(frame.rgb, { raw }).resize(200, 150).jpeg().toBuffer(),
    );
    metadata.push(`L${i},P${i},${CLASSES[i % CLASSES.length]}`);
  }
  await writeFile(path.join(folder, 'metadata.csv'), `${metadata.join('\n')}\n`);
}

const median = (values) => values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)];

/** Milliseconds per batch of one epoch; epochs are read whole because batches are made ahead. */
async function timed(data, epoch) {
  const [start, usage] = [performance.now(), process.cpuUsage()];
  for await (const batch of data.batches(epoch)) batch.labels.at(0);
  const { user, system } = process.cpuUsage(usage);
  const batches = data.batchesPerEpoch;
  return { waiting: (performance.now() - start) / batches, processor: (user + system) / 1000 / batches };
}

async function race(contenders, epochs) {
  const times = contenders.map(() => []);
  for (let epoch = 0; epoch <= epochs; epoch++) {
    for (const [i, data] of contenders.entries()) {
      const time = await timed(data, epoch);
      // The first epoch warms up.
      if (epoch > 0) times[i].push(time);
    }
  }
  return times.map((all) => ({
    waiting: median(all.map(({ waiting }) => waiting)),
    processor: median(all.map(({ processor }) => processor)),
  }));
}

const scratch = await mkdtemp(path.join(tmpdir(), 'spikescope-bench-'));
try {
  const dataset = path.join(scratch, 'phantoms');
  await writePhantoms(dataset);
  const rows = [['input', 'what', 'waiting, ms', 'processor, ms', 'to native']];
  for (const size of [32, 48, 64]) {
    const open = (others) =>
      openTrainingData({
        dataset,
        classes: CLASSES,
        split: 'all',
        cacheFolder: path.join(scratch, 'cache'),
        inputSizes: [size],
        batch: COUNT,
        seed: 1,
        augmentation: DEFAULT_AUGMENTATION,
        ...others,
      });
    const quick = [await open({ renderer: 'native' }), await open({ augmentation: null })];
    const slow = [await open({ renderer: 'typescript' })];
    const results = [...(await race(quick, EPOCHS)), ...(await race(slow, Math.ceil(EPOCHS / 20)))];
    for (const [i, name] of [
      'augmented, native',
      'as the device sees it',
      'augmented, TypeScript',
    ].entries()) {
      const { waiting, processor } = results[i];
      const ratio = `× ${(processor / results[0].processor).toFixed(2)}`;
      rows.push([`${size}×${size}`, name, waiting.toFixed(2), processor.toFixed(2), ratio]);
    }
    for (const data of [...quick, ...slow]) await data.close();
  }
  for (const line of tableLines(rows)) console.log(line);
} finally {
  await rm(scratch, { recursive: true });
}
