/**
 * What a batch of training images costs, by input size, of the native renderer and of the slow one that judges it. Medians
 * over epochs, the quick ones read in turn, so that both meet the same weather, and the slow one after them, so that its
 * garbage is not theirs. The images are phantoms drawn for the occasion.
 */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { PhantomPainter } from '../../capture/phantom/draw.ts';
import { CAMERAS, DEFAULT_AUGMENTATION } from '../../training/data/augmentation.ts';
import { openTrainingData } from '../../training/data/open.ts';
import type { TrainingData } from '../../training/data/training-data.ts';
import { medianOf } from '../median.ts';

const COUNT = 32;
const IMAGES = 128;
const SIZES = [32, 48, 64, 128];
const CLASSES = ['akiec', 'bcc', 'bkl', 'df', 'mel', 'nv', 'vasc'];

/** Milliseconds for one batch. */
interface BatchTime {
  readonly waiting: number;
  /** Of all threads. */
  readonly processor: number;
}

export interface BatchRow extends BatchTime {
  /** Side of the input, pixels. */
  readonly size: number;
  readonly what: string;
  /** Processor time over that of the native renderer. */
  readonly toNative: number;
}

/** @param epochs that are timed; the slow renderer gets a twentieth of them */
export async function measureTrainingData(epochs: number): Promise<BatchRow[]> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'spikescope-bench-'));
  try {
    const dataset = path.join(scratch, 'phantoms');
    await writePhantoms(dataset);
    const rows: BatchRow[] = [];
    for (const size of SIZES)
      rows.push(...(await rowsOf(size, dataset, path.join(scratch, 'cache'), epochs)));
    return rows;
  } finally {
    await rm(scratch, { recursive: true });
  }
}

async function rowsOf(size: number, dataset: string, cacheFolder: string, epochs: number) {
  const common = {
    ...{ dataset, classes: CLASSES, cacheFolder, inputSizes: [size], batch: COUNT, seed: 1 },
    split: 'all' as const,
    augmentation: DEFAULT_AUGMENTATION,
  };
  const quick = [
    await openTrainingData({ ...common, renderer: 'native' }),
    await openTrainingData({
      ...common,
      renderer: 'native',
      augmentation: { ...DEFAULT_AUGMENTATION, camera: CAMERAS },
    }),
    await openTrainingData({ ...common, augmentation: null }),
  ];
  const slow = [await openTrainingData({ ...common, renderer: 'typescript' })];
  const times = [...(await race(quick, epochs)), ...(await race(slow, Math.ceil(epochs / 20)))];
  for (const data of [...quick, ...slow]) await data.close();
  const names = [
    ...['augmented, native', 'augmented with other cameras, native'],
    ...['as the device sees it', 'augmented, TypeScript'],
  ];
  return times.map((time, i) => ({
    ...{ size, what: names[i], ...time },
    toNative: time.processor / times[0].processor,
  }));
}

/** Phantoms of 200×150, as the data set at hand has them. */
async function writePhantoms(folder: string): Promise<void> {
  const painter = new PhantomPainter();
  const metadata = ['lesion_id,image_id,dx'];
  await mkdir(folder, { recursive: true });
  for (let i = 0; i < IMAGES; i++) {
    const { rgb, width, height } = painter.draw(i, i % CLASSES.length).frame;
    const image = sharp(rgb, { raw: { width, height, channels: 3 } })
      .resize(200, 150)
      .jpeg();
    await writeFile(path.join(folder, `P${i}.jpg`), await image.toBuffer());
    metadata.push(`L${i},P${i},${CLASSES[i % CLASSES.length]}`);
  }
  await writeFile(path.join(folder, 'metadata.csv'), `${metadata.join('\n')}\n`);
}

/** Of one epoch; epochs are read whole because batches are made ahead. */
async function timed(data: TrainingData, epoch: number): Promise<BatchTime> {
  const [start, usage] = [performance.now(), process.cpuUsage()];
  for await (const batch of data.batches(epoch)) batch.labels.at(0);
  const { user, system } = process.cpuUsage(usage);
  const batches = data.batchesPerEpoch;
  return { waiting: (performance.now() - start) / batches, processor: (user + system) / 1000 / batches };
}

async function race(all: readonly TrainingData[], epochs: number): Promise<BatchTime[]> {
  const times = all.map((): BatchTime[] => []);
  for (let epoch = 0; epoch <= epochs; epoch++) {
    for (const [i, data] of all.entries()) {
      const time = await timed(data, epoch);
      // The first epoch warms up.
      if (epoch > 0) times[i].push(time);
    }
  }
  return times.map((own) => ({
    waiting: medianOf(own.map(({ waiting }) => waiting)),
    processor: medianOf(own.map(({ processor }) => processor)),
  }));
}
