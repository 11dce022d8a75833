/** A device that learns: head, file and journal in a folder of their own; `teach` takes the way of a button press. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { HeadLearner } from '../../dist/runtime/learning/learner.js';
import { Journal } from '../../dist/store/journal.js';

export async function device(bundle) {
  const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-learning-'));
  const journal = Journal.open(path.join(folder, 'journal.sqlite'));
  const learner = await HeadLearner.open(bundle, { folder, journal });
  if (learner === null) throw new Error('The bundle has no guard set: run spikescope calibrate on it');
  return {
    learner,
    /** Class with the largest potential. */
    nameOf({ potentials, pooled }) {
      const { classes, potentials: read } = learner.head;
      const values = read(potentials, pooled);
      return classes[values.indexOf(Math.max(...values))];
    },
    async teach({ image_id: id, headInput }, label) {
      learner.observe(id, headInput);
      return (await learner.learn({ id }, label, 'button')).kept;
    },
    close() {
      journal.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether the guard figures lie within the gate's tolerance of one point. */
export function isWithinGate({ factory, now }) {
  const fell = (figure) => (factory[figure] ?? 0) - (now[figure] ?? 0);
  return Object.keys(factory).every((figure) => !(fell(figure) > 0.01 + 1e-9));
}
