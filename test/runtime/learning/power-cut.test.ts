import { mkdirSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { DEFAULT_MODEL } from '../../../src/runtime/engine/shipped-models.ts';
import { HeadLearner } from '../../../src/runtime/learning/learner.ts';
import { Journal } from '../../../src/store/journal.ts';
import { anyCut, run } from '../../support/power-cut/power-cut.ts';
import { canPreload } from '../../support/preload.ts';
import { Random } from '../../support/random.ts';

/** Every second one is a power cut, the others are killed. */
const RUNS = Number(process.env.SPIKESCOPE_LEARNING_CUTS ?? 12);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'learning-cut-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

describe.skipIf(!canPreload())('a device whose power is cut while it learns', () => {
  it(`has the head of before the update or of after it, and a journal that says which, in ${RUNS} runs`, {
    timeout: 60_000 + 20_000 * RUNS,
  }, async () => {
    const bundle = await readBundle(DEFAULT_MODEL);
    const data = path.join(folder, 'data');
    mkdirSync(data);
    const module = path.resolve('test/support/power-cut/learner.mjs');
    const work = { module, environment: { WORKLOAD_DATA: data }, folder: data };
    const random = new Random(20_261_121);
    let heads = 0;
    for (let i = 0; i < RUNS; i++) {
      const cut = anyCut(i % 2 ? 'power' : 'kill', random, { changes: 200, milliseconds: 1500 });
      const { lines } = await run(work, cut);
      const said = lines.map((line) => line.split(' ')[1]);
      heads += said.length;
      const journal = Journal.open(path.join(data, 'journal.sqlite'));
      try {
        const setAside: string[] = [];
        const learner = await HeadLearner.open(bundle, {
          folder: data,
          journal,
          onSetAside: ({ code }) => setAside.push(code),
        });
        expect(setAside).toEqual([]);
        expect(journal.verify()).toMatchObject({ sound: true });
        const changes = [...journal.records()]
          .filter(({ kind }) => kind === 'update' || kind === 'undo')
          .map(({ payload }) => JSON.parse(payload));
        const last = changes.at(-1);
        if (last !== undefined) expect(learner?.digest).toBe(last.after);
        const before = said.at(-1);
        if (before !== undefined && learner?.digest !== before) expect(last.before).toBe(before);
        expect(readdirSync(data).filter((name) => /\.(tmp|next|withdrawn)$/.test(name))).toEqual([]);
        // Every head that ever read is in a record; that of the bundle is so from its first change on.
        const named = changes.flatMap(({ before: from, after }) => [from, after]);
        if (named.length > 0) expect(said.filter((head) => !named.includes(head))).toEqual([]);
      } finally {
        journal.close();
      }
    }
    expect(heads).toBeGreaterThan(RUNS);
  });
});
