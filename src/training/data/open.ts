/** Training data: a data set, its cache of decoded images, and batches made ahead of their use. */
import { type Dataset, loadDataset, type Sample } from '../../dataset/dataset.ts';
import { type Announcer, STDERR } from './announcer.ts';
import { Epochs } from './batches.ts';
import type { Geometry } from './cache/geometry.ts';
import { openPixelCache, type PixelCache } from './cache/open.ts';
import { type CheckedOptions, checkOptions } from './check-options.ts';
import { digestOfViews } from './digest-of-views.ts';
import { type NativeLoader, nativeLoader } from './native.ts';
import { exactProducer, type Producer, viewProducer } from './producer.ts';
import { pixelsOf, readableRows } from './readable.ts';
import { type Selected, select } from './selection.ts';
import type { TrainingData, TrainingDataOptions } from './training-data.ts';

/**
 * Opens a data set for training; the first time it is decoded into the cache folder.
 * @throws UsageError `TRAINING_OPTIONS`, RefusedError `TRAINING_UNREADABLE`, `TRAINING_ROW`, `TRAINING_EMPTY`,
 *   SpikescopeError `TRAINING_CACHE_*`, and what `loadDataset` throws
 */
export async function openTrainingData(given: TrainingDataOptions): Promise<TrainingData> {
  const options = checkOptions(given);
  const dataset = await loadDataset(options.dataset, options.classes, options.splitFile);
  const native = options.renderer === 'typescript' ? null : nativeLoader();
  const announcer = options.announcer ?? STDERR;
  const selected = select(dataset, options);
  const caches: PixelCache[] = [];
  const close = () => {
    for (const cache of caches) cache.close();
  };
  try {
    for await (const cache of openCaches(dataset, selected, options, native, announcer)) caches.push(cache);
    const rows = readableRows(dataset, selected, caches[0].entries, options.unreadable, announcer);
    const samples = rows.map(({ sample }) => dataset.samples[sample]);
    const renderer: TrainingData['renderer'] = native === null ? 'typescript' : 'native';
    const producer = producerOf(caches, rows, options, native);
    const digest = digestOfViews({
      digests: caches.map((cache) => cache.digest),
      rows,
      options,
      renderer,
    });
    return trainingData(samples, producer, options, { renderer, digest, close });
  } catch (error) {
    close();
    throw error;
  }
}

/** Without augmentation everything is the device's own input; copies need what lies around it. */
function isExact(selected: readonly Selected[], { augmentation }: CheckedOptions): boolean {
  return augmentation === null && selected.every(({ copy }) => copy === 0);
}

async function* openCaches(
  dataset: Dataset,
  selected: readonly Selected[],
  options: CheckedOptions,
  native: NativeLoader | null,
  announcer: Announcer,
): AsyncGenerator<PixelCache> {
  const needed = new Set(selected.map(({ sample }) => sample));
  const geometries: Geometry[] = isExact(selected, options)
    ? options.inputSizes.map((side) => ({ kind: 'square', side }))
    : [{ kind: 'frame', shortSide: options.frameSide }];
  for (const geometry of geometries) {
    yield await openPixelCache(dataset, geometry, options.cacheFolder, needed, native, announcer);
  }
}

function producerOf(
  caches: readonly PixelCache[],
  rows: readonly Selected[],
  options: CheckedOptions,
  native: NativeLoader | null,
): Producer {
  const imagesIn = (cache: PixelCache) => rows.map(({ sample }) => pixelsOf(cache.entries, sample));
  if (!isExact(rows, options)) return viewProducer(caches[0], native, imagesIn(caches[0]), rows, options);
  return exactProducer(caches.map((cache) => ({ cache, images: imagesIn(cache) })));
}

function trainingData(
  samples: readonly Sample[],
  producer: Producer,
  options: CheckedOptions,
  { renderer, digest, close }: Pick<TrainingData, 'renderer' | 'digest'> & { readonly close: () => void },
): TrainingData {
  const labels = Int32Array.from(samples, ({ label }) => label);
  const classCounts = new Int32Array(options.classes.length);
  for (const label of labels) classCounts[label]++;
  const epochs = new Epochs(labels, producer, options);
  return {
    length: samples.length,
    classCounts,
    imageIds: samples.map(({ imageId }) => imageId),
    lesions: samples.map(({ imageId, lesionId }) => lesionId ?? `image ${imageId}`),
    labels,
    batchesPerEpoch: epochs.batchesPerEpoch,
    digest,
    renderer,
    batches: (epoch) => epochs.batches(epoch),
    async close() {
      await epochs.close();
      close();
    },
  };
}
