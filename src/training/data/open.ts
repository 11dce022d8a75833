import { SpikescopeError } from '../../errors.ts';
import type { TrainingData, TrainingDataOptions } from './training-data.ts';

export function openTrainingData(options: TrainingDataOptions): Promise<TrainingData> {
  return Promise.reject(
    new SpikescopeError('TRAINING_DATA_UNAVAILABLE', `The loader cannot open ${options.dataset} yet`),
  );
}
