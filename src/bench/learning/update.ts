/** Time of one update of the learned head, everything included, with a full memory. */
import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { MEMORY_LENGTH } from '../../runtime/learning/state.ts';
import { quantile } from '../../statistics/resampling.ts';
import { LearningDevice } from './learning-device.ts';

export interface UpdateReport {
  readonly updates: number;
  readonly remembered: number;
  /** Milliseconds. */
  readonly median: number;
  readonly p99: number;
  /** Milliseconds of processor time of an update, mean. */
  readonly processor: number;
  /** Bytes on disk. */
  readonly file: number;
}

/**
 * Steps of descent, hold-out set, file and journal flushed: what a press of a button waits for.
 * @param updates kept ones that are timed
 * @throws SpikescopeError `LEARNING_UNAVAILABLE`, `BENCH_MEMORY` when the gate does not let the memory fill
 */
export async function measureUpdates(bundle: ModelBundle, updates: number): Promise<UpdateReport> {
  // Beside the working folder rather than in a temporary one, which may lie in memory.
  const device = await LearningDevice.open(bundle, process.cwd());
  try {
    const times: number[] = [];
    let processor = 0;
    for (let i = 0; device.learner.remembered < MEMORY_LENGTH || times.length < updates; i++) {
      if (i > 20 * MEMORY_LENGTH + updates) {
        throw new SpikescopeError('BENCH_MEMORY', 'The gate does not let the memory fill');
      }
      const { headInput, label } = caseOf(bundle, i);
      const isFull = device.learner.remembered === MEMORY_LENGTH;
      const before = process.cpuUsage();
      const started = performance.now();
      const isKept = await device.teach(`case-${i}`, headInput, label);
      if (!isFull || !isKept) continue;
      times.push(performance.now() - started);
      const { user, system } = process.cpuUsage(before);
      processor += (user + system) / 1000;
    }
    const sorted = Float64Array.from(times).sort();
    return {
      updates: times.length,
      remembered: device.learner.remembered,
      median: quantile(sorted, 0.5),
      p99: quantile(sorted, 0.99),
      processor: processor / times.length,
      file: bytesOfHead(device.folder),
    };
  } finally {
    device.close();
  }
}

/** A case of the bundle's own, changed so that none is ever the same twice. */
function caseOf({ learning, graph }: ModelBundle, i: number) {
  if (learning === undefined) throw new SpikescopeError('LEARNING_UNAVAILABLE', 'The bundle cannot learn');
  const { features, rehearsal } = learning;
  const j = i % rehearsal.labels.length;
  const classes = graph.classes.length;
  const headInput = {
    pooled: rehearsal.pooled
      .slice(j * features, (j + 1) * features)
      .map((sum, k) => (sum * (90 + ((i * 7 + k * 13) % 21))) / 100),
    potentials: rehearsal.potentials.slice(j * classes, (j + 1) * classes),
  };
  return { headInput, label: graph.classes[rehearsal.labels[j]] };
}

function bytesOfHead(folder: string): number {
  const files = readdirSync(folder).filter((name) => name.endsWith('.spikescope-delta'));
  return files.reduce((sum, name) => sum + statSync(path.join(folder, name)).size, 0);
}
