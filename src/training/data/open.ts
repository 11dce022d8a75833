/** Training data: a data set, its cache of decoded images, and batches made ahead of their use. */
import { loadDataset } from '../../evaluation/dataset/dataset.ts';
import { STDERR } from './announcer.ts';
import { Epochs } from './batches.ts';
import type { Geometry } from './cache/geometry.ts';
import { openPixelCache, type PixelCache } from './cache/open.ts';
import { checkOptions } from './check-options.ts';
import { nativeLoader } from './native.ts';
import { exactProducer, type Producer, viewProducer } from './producer.ts';
import { pixelsOf, readableRows } from './readable.ts';
import { select } from './selection.ts';
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
  // Without augmentation everything is the device's own input; copies need what lies around it.
  const exact = options.augmentation === null && selected.every(({ copy }) => copy === 0);
  const geometries: Geometry[] = exact
    ? options.inputSizes.map((side) => ({ kind: 'square', side }))
    : [{ kind: 'frame', shortSide: options.frameSide }];
  const needed = new Set(selected.map(({ sample }) => sample));
  const caches: PixelCache[] = [];
  for (const geometry of geometries) {
    caches.push(await openPixelCache(dataset, geometry, options.cacheFolder, needed, native, announcer));
  }

  const rows = readableRows(dataset, selected, caches[0].entries, options.unreadable, announcer);
  const imagesIn = (cache: PixelCache) => rows.map(({ sample }) => pixelsOf(cache.entries, sample));
  const producer: Producer = exact
    ? exactProducer(caches.map((cache) => ({ cache, images: imagesIn(cache) })))
    : viewProducer(caches[0], native, imagesIn(caches[0]), rows, options);
  const samples = rows.map(({ sample }) => dataset.samples[sample]);
  const labels = Int32Array.from(samples, ({ label }) => label);
  const classCounts = new Int32Array(options.classes.length);
  for (const label of labels) classCounts[label]++;
  const epochs = new Epochs(labels, producer, options);
  return {
    length: rows.length,
    classCounts,
    imageIds: samples.map(({ imageId }) => imageId),
    lesions: samples.map(({ imageId, lesionId }) => lesionId ?? `image ${imageId}`),
    labels,
    batchesPerEpoch: epochs.batchesPerEpoch,
    renderer: native === null ? 'typescript' : 'native',
    batches: (epoch) => epochs.batches(epoch),
    async close() {
      await epochs.close();
      for (const cache of caches) cache.close();
    },
  };
}
