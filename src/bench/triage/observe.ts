/** What a bundle says of every image of a split, and what is known of its lesion. */
import { type Dataset, samplesOf } from '../../dataset/dataset.ts';
import { readSplit } from '../../evaluation/read-split.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { classTableOf, isMalignantOrPremalignant, watchedClassOf } from '../../model/bundle/class-table.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import type { Split } from '../../splits.ts';
import type { Observation } from './scores.ts';

/** Reads a split through the device's own path; images that do not decode are left out. */
export async function observe(
  dataset: Dataset,
  split: Split,
  bundle: ModelBundle,
  engine: Engine,
  onImage?: () => void,
): Promise<Observation[]> {
  const { graph, preprocessing, readout } = bundle;
  const table = classTableOf(bundle);
  const watched = watchedClassOf(table);
  const malignant = graph.classes.filter((name) => isMalignantOrPremalignant(table, name));
  const { outcomes } = await readSplit(samplesOf(dataset, split), bundle, engine, {
    crop: preprocessing.crop.enabled,
    tiling: readout.tiling.enabled,
    ...(onImage && { onImage }),
  });
  return outcomes.map(({ sample, reading }) => ({
    potentials: graph.classes.map((name) => reading.potentials[name]),
    sum: malignant.reduce((total, name) => total + reading.probabilities[name], 0),
    isMalignant: malignant.includes(graph.classes[sample.label]),
    isWatched: graph.classes[sample.label] === watched,
    group: sample.lesionId,
  }));
}
