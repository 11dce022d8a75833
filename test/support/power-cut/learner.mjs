/**
 * Teaches the model that ships, and takes some of it back, until it is ended. Says on stdout the digest of the head at the
 * start and after each change, when it is on the medium: head <digest>
 */
import { writeSync } from 'node:fs';
import path from 'node:path';
import { readBundle } from '../../../dist/model/bundle/read.js';
import { DEFAULT_MODEL } from '../../../dist/runtime/engine/shipped-models.js';
import { HeadLearner } from '../../../dist/runtime/learning/learner.js';
import { Journal } from '../../../dist/store/journal.js';

const { WORKLOAD_DATA: folder } = process.env;
const journal = Journal.open(path.join(folder, 'journal.sqlite'));
const bundle = await readBundle(DEFAULT_MODEL);
const { rehearsal, features } = bundle.learning;
const { classes } = bundle.graph;
const learner = await HeadLearner.open(bundle, { folder, journal });
const say = () => writeSync(1, `head ${learner.digest}\n`);
say();
for (let i = 0; ; i++) {
  const j = (i * 31) % rehearsal.labels.length;
  const { pooled, potentials } = rehearsal;
  learner.observe(`case-${i}`, {
    pooled: pooled.slice(j * features, (j + 1) * features),
    potentials: potentials.slice(j * classes.length, (j + 1) * classes.length),
  });
  if (i % 4 === 3) await learner.undo('button');
  else await learner.learn({ id: `case-${i}` }, classes[rehearsal.labels[j]], 'button');
  say();
}
