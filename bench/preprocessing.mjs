/**
 * The measurements behind the choices of docs/design/preprocessing.md: what real images measure in the integrity check,
 * which spoiled ones it sends back, and how much of a lesion the saliency crop keeps, by its smallest side.
 *
 *   node bench/preprocessing.mjs [--model B] [--dataset DIR] [--fullsize DIR]
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import sharp from 'sharp';
import { prepare } from '../scripts/prepare.mjs';

const shared = fileURLToPath(new URL('../../shared', import.meta.url));
const { values: options } = parseArgs({
  options: {
    model: { type: 'string' },
    dataset: { type: 'string', default: path.join(shared, 'ham10000') },
    fullsize: { type: 'string', default: path.join(shared, 'ham10000-fullsize/images') },
  },
});

await prepare();
const { openModel } = await import('../dist/runtime/engine/open-model.js');
const { decodeImage } = await import('../dist/preprocess/decode.js');
const { DEFAULT_QUALITY, measureQuality, retakeReasons } = await import('../dist/preprocess/quality.js');
const { DEFAULT_CROP } = await import('../dist/preprocess/crop.js');
const { loadDataset, samplesOf } = await import('../dist/dataset/dataset.js');
const { mapConcurrently } = await import('../dist/concurrently.js');
const { maskRetention } = await import('../dist/bench/figures/mask-retention.js');
const { listImages } = await import('../dist/capture/images.js');
const { tableLines } = await import('../dist/ui/terminal/table.js');

const SHARES = [0, 0.001, 0.005, 0.5, 0.995, 0.999, 1];
const SPOILT = {
  'blurred, σ = 4 px': (image) => image.blur(4),
  'blurred, σ = 6 px': (image) => image.blur(6),
  'blurred, σ = 8 px': (image) => image.blur(8),
  'blurred, σ = 12 px': (image) => image.blur(12),
  'brightness × 1.5': (image) => image.linear(1.5, 0),
  'brightness × 2': (image) => image.linear(2, 0),
  'brightness × 0.1': (image) => image.linear(0.1, 0),
};

function show(title, rows) {
  console.log(`\n${title}`);
  for (const line of tableLines(rows)) console.log(`  ${line}`);
}

function verdictOf(name, qualities) {
  const reasons = qualities.map((quality) => retakeReasons(quality, DEFAULT_QUALITY));
  const sentBack = reasons.filter(({ length }) => length > 0).length;
  const counts = {};
  for (const reason of reasons.flat()) counts[reason] = (counts[reason] ?? 0) + 1;
  const because = Object.entries(counts)
    .map(([reason, count]) => `${reason} ${count}`)
    .join(', ');
  return [name, String(qualities.length), `${((100 * sentBack) / qualities.length).toFixed(2)} %`, because];
}

const quantilesOf = (name, values) => {
  const sorted = values.toSorted((a, b) => a - b);
  return [
    name,
    ...SHARES.map((share) =>
      sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))].toFixed(3),
    ),
  ];
};

const { bundle, engine } = await openModel(options.model);
const dataset = await loadDataset(options.dataset, bundle.graph.classes);
const qualitiesOf = (files) =>
  mapConcurrently(files, async (file) => measureQuality(await decodeImage(file)));

const verdicts = [['images', 'number', 'sent back', 'because']];
for (const split of ['train', 'val', 'test']) {
  const qualities = await qualitiesOf(samplesOf(dataset, split).map(({ file }) => file));
  verdicts.push(verdictOf(split, qualities));
  if (split !== 'train') continue;
  const measures = ['clippedShare', 'contrast', 'focus'];
  show('Measures of the training images, by quantile', [
    ['measure', ...SHARES.map(String)],
    ...measures.map((measure) =>
      quantilesOf(
        measure,
        qualities.map((quality) => quality[measure]),
      ),
    ),
  ]);
}
const { images } = await listImages(options.fullsize);
verdicts.push(verdictOf('full size', await qualitiesOf(images)));
for (const [name, spoil] of Object.entries(SPOILT)) {
  const qualities = await mapConcurrently(images, async (file) =>
    measureQuality(await decodeImage(await spoil(sharp(file)).png().toBuffer())),
  );
  verdicts.push(verdictOf(`full size, ${name}`, qualities));
}
show('The integrity check with its default limits', verdicts);

const retentions = [['split', 'smallest side', 'mask kept', 'kept at least 70 %', 'moved']];
for (const split of ['val', 'test']) {
  for (const minimumSide of [0.5, 0.6, 0.7, 0.8, 0.9]) {
    const crop = { ...DEFAULT_CROP, minimumSide };
    const cropped = { ...bundle, preprocessing: { ...bundle.preprocessing, crop } };
    const masks = path.join(options.dataset, 'masks');
    const retention = await maskRetention(samplesOf(dataset, split), masks, cropped, engine, true);
    const figures = [retention.mean, retention.atLeast70, retention.moved].map((value) => value.toFixed(4));
    retentions.push([split, String(minimumSide), ...figures]);
  }
}
show('The saliency crop', retentions);
await engine.close();
