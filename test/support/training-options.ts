import type { Announcer } from '../../src/training/data/announcer.ts';
import { DEFAULT_AUGMENTATION } from '../../src/training/data/augmentation.ts';
import type { Batch, TrainingData, TrainingDataOptions } from '../../src/training/data/training-data.ts';

/** What an announcer heard. */
export class Heard implements Announcer {
  readonly notes: string[] = [];
  steps = 0;

  note(line: string): void {
    this.notes.push(line);
  }

  progress() {
    return { advance: () => void this.steps++, stop: () => {} };
  }
}

/** For a data set of `writeTinyDataset`. */
export function tinyOptions(folder: string, others: Partial<TrainingDataOptions> = {}) {
  const options: TrainingDataOptions = {
    dataset: folder,
    classes: ['benign', 'malign'],
    split: 'train',
    cacheFolder: `${folder}/cache`,
    inputSizes: [16],
    batch: 4,
    seed: 7,
    augmentation: DEFAULT_AUGMENTATION,
    ...others,
  };
  return { ...options, announcer: new Heard() };
}

export async function epochOf(data: TrainingData, epoch: number): Promise<Batch[]> {
  const batches: Batch[] = [];
  for await (const batch of data.batches(epoch)) batches.push(batch);
  return batches;
}
