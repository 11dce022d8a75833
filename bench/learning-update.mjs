/**
 * Time of one update of the learned head, everything included: steps of descent, guard set, file and journal flushed. With
 * a full memory, on the model that ships. Shows the median and the 99th percentile, and the processor's own time.
 *
 *   node bench/learning-update.mjs [updates, default 100]
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { openModel } from '../dist/runtime/engine/open-model.js';
import { deltaName } from '../dist/runtime/learning/delta-file.js';
import { HeadLearner } from '../dist/runtime/learning/learner.js';
import { MEMORY_LENGTH } from '../dist/runtime/learning/state.js';
import { Journal } from '../dist/store/journal.js';

const { positionals } = parseArgs({ allowPositionals: true });
const updates = Number(positionals[0] ?? 100);
// Beside the repository rather than in a temporary folder, which may lie in memory.
const folder = mkdtempSync(path.join(process.cwd(), '.learning-update-'));
try {
  const { bundle, engine } = await openModel();
  await engine.close();
  const { learning } = bundle;
  if (learning === undefined) throw new Error('the model that ships has no guard set');
  const { features, rehearsal } = learning;
  const journal = Journal.open(path.join(folder, 'journal.sqlite'));
  const learner = await HeadLearner.open(bundle, { folder, journal });
  const classes = bundle.graph.classes.length;
  const times = [];
  let processor = 0;
  for (let i = 0; learner.remembered < MEMORY_LENGTH || times.length < updates; i++) {
    if (i > 20 * MEMORY_LENGTH) throw new Error('the gate lets the memory not fill');
    const j = i % rehearsal.labels.length;
    learner.observe(`case-${i}`, {
      // Never the same twice.
      pooled: rehearsal.pooled
        .slice(j * features, (j + 1) * features)
        .map((sum, k) => (sum * (90 + ((i * 7 + k * 13) % 21))) / 100),
      potentials: rehearsal.potentials.slice(j * classes, (j + 1) * classes),
    });
    const isFull = learner.remembered === MEMORY_LENGTH;
    const before = process.cpuUsage();
    const started = performance.now();
    const { kept } = await learner.learn(
      { id: `case-${i}` },
      bundle.graph.classes[rehearsal.labels[j]],
      'keyboard',
    );
    if (!isFull || !kept) continue;
    times.push(performance.now() - started);
    const { user, system } = process.cpuUsage(before);
    processor += (user + system) / 1000;
  }
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.min(times.length - 1, Math.floor(share * times.length))].toFixed(1);
  console.log(`${times.length} updates kept, ${learner.remembered} cases in memory`);
  console.log(
    `median ${at(0.5)} ms, p99 ${at(0.99)} ms, processor ${(processor / times.length).toFixed(1)} ms`,
  );
  console.log(`${(statSync(path.join(folder, deltaName(bundle.digest))).size / 1e6).toFixed(2)} MB on disk`);
  journal.close();
} finally {
  rmSync(folder, { recursive: true, force: true });
}
