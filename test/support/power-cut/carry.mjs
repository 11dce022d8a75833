/**
 * Takes what was learned with one model to the next, over and back again, until it is ended. Says on stdout what became of
 * it, and the digests of the heads that read, each when it is on the medium:
 *
 *   refitted <digest of the next model> <digest of its head>
 *   back <digest of the former model> <digest of its head>
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import { readBundle } from '../../../dist/model/bundle/read.js';
import { carryLearning } from '../../../dist/runtime/learning/carry.js';
import { HeadLearner } from '../../../dist/runtime/learning/learner.js';
import { Journal } from '../../../dist/store/journal.js';

const { WORKLOAD_DATA: folder, WORKLOAD_MODELS: models } = process.env;
const names = ['former', 'second', 'third'];
const [former, ...next] = await Promise.all(
  names.map((name) => readBundle(path.join(models, `${name}.spikescope`))),
);
const journal = Journal.open(path.join(folder, 'journal.sqlite'));
for (const to of next) {
  const outcome = await carryLearning({ folder, journal, from: former, to, mode: 'refit', by: 'workload' });
  const learner = await HeadLearner.open(to, { folder, journal });
  writeSync(1, `${outcome} ${to.digest} ${learner.digest}\n`);
  const back = await HeadLearner.open(former, { folder, journal });
  writeSync(1, `back ${former.digest} ${back.digest}\n`);
}
journal.close();
