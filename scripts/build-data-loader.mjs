/**
 * Builds the native loader of training images, when its sources or Node have changed since the last build. Only
 * training uses it, and does without it, more slowly. Everything it says goes to stderr.
 *
 *   node scripts/build-data-loader.mjs   → native/tfjs-torch/data/build/Release/training_data.node
 */
import { fileURLToPath } from 'node:url';
import { buildOptional } from './build-optional.mjs';

/** @returns whether the loader is there */
export function buildDataLoader() {
  return buildOptional({
    folder: 'native/tfjs-torch/data',
    name: 'training_data',
    sources: ['binding', 'cache', 'views'],
    label: 'the native loader of training images',
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) buildDataLoader();
