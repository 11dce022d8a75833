/** What was learned with one model when another takes its place, and when it returns. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import type { ModelBundle } from '../../../src/model/bundle/bundle.ts';
import { bundleBytes } from '../../../src/model/bundle/write.ts';
import { carryLearning } from '../../../src/runtime/learning/carry.ts';
import type { LearningJournal } from '../../../src/runtime/learning/change-record.ts';
import { deltaName } from '../../../src/runtime/learning/delta-file.ts';
import { Journal } from '../../../src/store/journal.ts';
import { CLASSES, drawCase, FEATURES, FOREIGN, learnableBundle } from '../../support/learnable.ts';
import { changed, raised, withOtherEmbedding } from '../../support/next-model.ts';
import { anyCut, run } from '../../support/power-cut/power-cut.ts';
import { canPreload } from '../../support/preload.ts';
import { Pupil } from '../../support/pupil.ts';
import { Random } from '../../support/random.ts';

const RUNS = Number(process.env.SPIKESCOPE_CARRY_CUTS ?? 8);

/** Written once more, so that its file has the digest that it has in memory. */
const former = changed(learnableBundle(), {});
const next = raised(former, [150, -100, 50, 200]);
const foreignEmbedding = withOtherEmbedding(former);

let folder: string;
let journal: Journal;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'carry-'));
  journal = openJournal(folder);
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const openJournal = (place: string) => Journal.open(path.join(place, 'journal.sqlite'));
const open = (bundle: ModelBundle, by: LearningJournal = journal) =>
  Pupil.open(bundle, { folder, journal: by });
const said: string[] = [];
const carry = (
  to: ModelBundle,
  mode: 'refit' | 'park' = 'refit',
  from = former,
  by: LearningJournal = journal,
) => {
  said.length = 0;
  return carryLearning({
    ...{ folder, journal: by, from, to, mode, by: 'technician' },
    say: (line) => said.push(line),
  });
};
const records = () =>
  journal.payloadsOf('learned', 'provision').map((payload): unknown => JSON.parse(payload));
const fileOf = ({ digest }: ModelBundle) => readFileSync(path.join(folder, deltaName(digest)));

async function teach(bundle: ModelBundle, kept = 12): Promise<Pupil> {
  const pupil = await open(bundle);
  const random = new Random(3);
  for (let i = 0; pupil.learner.remembered < kept; i++) {
    const label = i % (FOREIGN + 1);
    await pupil.teach(drawCase(random, label), CLASSES[label] ?? 'foreign', `lesson-${i}`);
  }
  return pupil;
}

/** What a head makes of cases that nobody has taught. @param by what the model’s own head adds to each potential */
function potentialsOf({ learner }: Pupil, by: readonly number[] = [0, 0, 0, 0]): number[][] {
  const random = new Random(77);
  return Array.from({ length: 50 }, (_, i) => {
    const { pooled, potentials } = drawCase(random, i % (FOREIGN + 1));
    return [
      ...learner.head.potentials(
        potentials.map((each, c) => each + by[c]),
        pooled,
      ),
    ];
  });
}

describe('what was learned, when a model with the same embedding takes over', () => {
  it('is fitted again: the device knows its own class, remembers its cases, and learns on', async () => {
    const pupil = await teach(former);
    expect(await carry(next)).toBe('refitted');
    expect(said).toEqual([expect.stringMatching(/reads on with tiny 1\.1\.0.*12 cases/)]);
    const after = await open(next);
    expect(after.setAside).toEqual([]);
    expect(after.learner.remembered).toBe(12);
    expect(after.learner.head.classes).toEqual([...CLASSES, 'foreign']);
    expect(records()).toMatchObject([
      {
        ...{ event: 'learned', outcome: 'refitted', by: 'technician', cases: 12 },
        from: { bundle: former.digest, head: pupil.learner.digest },
        ...{ to: next.digest, after: after.learner.digest },
      },
    ]);
    const reads = potentialsOf(after, [150, -100, 50, 200]);
    const foreign = reads.filter((_, i) => i % (FOREIGN + 1) === FOREIGN);
    const isNamed = (read: number[]) => read.indexOf(Math.max(...read)) === FOREIGN;
    expect(foreign.filter(isNamed).length).toBeGreaterThan(foreign.length / 2);
    const { digest } = after.learner;
    expect((await after.teach(drawCase(new Random(9), 1), CLASSES[1], 'later')).kept).toBe(true);
    expect(await after.learner.undo('button')).toBe(true);
    expect((await open(next)).learner.digest).toBe(digest);
    expect(journal.verify()).toMatchObject({ sound: true });
  });

  it('is the same head when the former model returns, to the last potential', async () => {
    const before = await teach(former);
    const [bytes, reads, { digest }] = [fileOf(former), potentialsOf(before), before.learner];
    await carry(next);
    await (await open(next)).teach(drawCase(new Random(9), 2), CLASSES[2], 'later');
    expect(await carry(former, 'refit', next)).toBe('parked');
    const returned = await open(former);
    expect(fileOf(former)).toEqual(bytes);
    expect(returned.learner.digest).toBe(digest);
    expect(potentialsOf(returned)).toEqual(reads);
    expect(returned.setAside).toEqual([]);
  });

  it('is carried once, however often it is asked for, and no later lesson is overwritten', async () => {
    await teach(former);
    await carry(next);
    const { length } = [...journal.records()];
    const bytes = fileOf(next);
    expect(await carry(next)).toBe('refitted');
    expect(fileOf(next)).toEqual(bytes);
    expect([...journal.records()]).toHaveLength(length);
    const later = await open(next);
    await later.teach(drawCase(new Random(9), 1), CLASSES[1], 'later');
    expect(await carry(next)).toBe('refitted');
    expect((await open(next)).learner.digest).toBe(later.learner.digest);
  });

  it('is as before when the journal does not take it, and is carried when it does', async () => {
    const pupil = await teach(former);
    const failing: LearningJournal = {
      record: () => {
        throw new SpikescopeError('JOURNAL_FAILED', 'planned');
      },
      payloadsOf: (caseId, kind) => journal.payloadsOf(caseId, kind),
      records: () => journal.records(),
    };
    await expect(carry(next, 'refit', former, failing)).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
    expect((await open(next)).learner.remembered).toBe(0);
    expect((await open(former)).learner.digest).toBe(pupil.learner.digest);
    expect(await carry(next)).toBe('refitted');
  });

  it('takes a class that was added here for the model’s own, where the new model brings it', async () => {
    await teach(former);
    const { graph, learning, readout } = former;
    if (learning === undefined) throw new Error('this bundle cannot learn');
    const n = CLASSES.length;
    const wider = (potentials: Int32Array) =>
      Int32Array.from({ length: (potentials.length / n) * (n + 1) }, (_, i) =>
        i % (n + 1) < n ? potentials[Math.floor(i / (n + 1)) * n + (i % (n + 1))] : -5000,
      );
    const setOf = (set: typeof learning.guard) => ({ ...set, potentials: wider(set.potentials) });
    const brings = changed(former, {
      version: '1.2.0',
      graph: {
        ...graph,
        classes: [...CLASSES, 'foreign'],
        head: {
          ...graph.head,
          weights: Int8Array.of(...graph.head.weights, ...new Int8Array(4 * FEATURES)),
          bias: Int32Array.of(...graph.head.bias, -5000),
        },
      },
      readout: { ...readout, thresholds: [...readout.thresholds, 0] },
      golden: former.golden.map(({ input }) => ({ input, potentials: new Int32Array(n + 1) })),
      learning: { ...learning, guard: setOf(learning.guard), rehearsal: setOf(learning.rehearsal) },
    });
    expect(await carry(brings)).toBe('refitted');
    expect((await open(brings)).learner.head.classes).toEqual([...CLASSES, 'foreign']);
  });
});

describe('what was learned waits for its model', () => {
  const guard = former.learning?.guard;
  if (former.learning === undefined || guard === undefined) throw new Error('this bundle cannot learn');
  /** Its hold-out set calls those cases mel that the device has been taught another name for. */
  const objecting = changed(former, {
    version: '1.3.0',
    learning: { ...former.learning, guard: relabelled(guard) },
  });

  function relabelled(set: NonNullable<typeof guard>) {
    const random = new Random(21);
    const pooled = set.pooled.slice();
    const potentials = set.potentials.slice();
    set.labels.forEach((label, i) => {
      if (CLASSES[label] !== 'mel') return;
      pooled.set(drawCase(random, FOREIGN).pooled, i * FEATURES);
      potentials.set(
        CLASSES.map((_, c) => (c === label ? 6000 : 5000)),
        i * CLASSES.length,
      );
    });
    return { ...set, pooled, potentials };
  }

  it.each([
    ['the release says so', next, 'park', /release says so/],
    ['the embedding is another', foreignEmbedding, 'refit', /another embedding/],
    ['the new model cannot learn', changed(next, { learning: undefined }), 'refit', /nothing to learn with/],
    ['the gate of the new model objects', objecting, 'refit', /instead of .* check images/],
  ] as const)('where %s, which is said and recorded once', async (_, to, mode, reason) => {
    const pupil = await teach(former);
    const bytes = fileOf(former);
    for (let i = 0; i < 2; i++) {
      expect(await carry(to, mode)).toBe('parked');
      expect(said).toEqual([expect.stringMatching(reason)]);
      expect(said[0]).toContain(deltaName(former.digest));
    }
    expect(records()).toEqual([
      {
        ...{ event: 'learned', outcome: 'parked', by: 'technician', to: to.digest },
        from: { bundle: former.digest, head: pupil.learner.digest },
        reason: expect.stringMatching(reason),
      },
    ]);
    expect(readdirSync(folder).filter((name) => name.startsWith('head'))).toEqual([deltaName(former.digest)]);
    expect(fileOf(former)).toEqual(bytes);
    expect(potentialsOf(await open(former))).toEqual(potentialsOf(pupil));
  });

  it('and nothing is said where nothing was learned', async () => {
    await open(former);
    expect(await carry(next)).toBe('none');
    expect(await carry(former)).toBe('none');
    expect(records()).toEqual([]);
    expect(said).toEqual([]);
  });
});

describe.skipIf(!canPreload())('a device whose power is cut while it carries what was learned', () => {
  it(`has the former head whole, and the next one whole or not at all, in ${RUNS} runs`, {
    timeout: 60_000 + 20_000 * RUNS,
  }, async () => {
    const models = path.join(folder, 'models');
    mkdirSync(models);
    const chain = [former, next, raised(former, [0, 30, 0, 90], '1.2.0')];
    for (const [i, name] of ['former', 'second', 'third'].entries()) {
      writeFileSync(path.join(models, `${name}.spikescope`), bundleBytes(chain[i]));
    }
    const { learner: taught } = await teach(former);
    const bytes = fileOf(former);
    const random = new Random(20_261_129);
    let [cuts, refits] = [0, 0];
    for (let i = 0; i < RUNS; i++) {
      for (const { digest } of chain.slice(1)) rmSync(path.join(folder, deltaName(digest)), { force: true });
      journal.close();
      const work = {
        module: path.resolve('test/support/power-cut/carry.mjs'),
        environment: { WORKLOAD_DATA: folder, WORKLOAD_MODELS: models },
        folder,
      };
      const { lines, wasCut } = await run(
        work,
        anyCut(i % 2 ? 'power' : 'kill', random, { changes: 36, milliseconds: 250 }),
      );
      if (wasCut) cuts++;
      journal = openJournal(folder);
      expect(fileOf(former)).toEqual(bytes);
      for (const to of chain.slice(1)) {
        const head = lines
          .map((line) => line.split(' '))
          .find(([outcome, bundle]) => outcome === 'refitted' && bundle === to.digest);
        if (head !== undefined) refits++;
        const left = await open(to);
        expect(left.setAside).toEqual([]);
        if (head !== undefined) expect(left.learner.digest).toBe(head[2]);
        else expect([0, taught.remembered]).toContain(left.learner.remembered);
        expect(await carry(to)).toBe('refitted');
        const carried = await open(to);
        if (left.learner.remembered > 0) expect(carried.learner.digest).toBe(left.learner.digest);
        expect(carried.learner.remembered).toBe(taught.remembered);
        expect(records()).toContainEqual(expect.objectContaining({ after: carried.learner.digest }));
      }
      expect(readdirSync(folder).filter((name) => /\.(tmp|next|withdrawn|refused-\d+)$/.test(name))).toEqual(
        [],
      );
      const back = await open(former);
      expect([back.learner.digest, back.setAside]).toEqual([taught.digest, []]);
      expect(journal.verify()).toMatchObject({ sound: true });
    }
    process.stdout.write(`learned heads: ${cuts} of ${RUNS} cut short, ${refits} carried before it\n`);
    expect(cuts).toBeGreaterThan(0);
    expect(refits).toBeGreaterThan(0);
  });
});
