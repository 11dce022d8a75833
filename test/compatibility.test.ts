/** What version 0.1.0 wrote is read as it was: small files of it lie in test/fixtures, beside what it said of them. */
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { parseBundle, readBundle } from '../src/model/bundle/read.ts';
import { bundleBytes } from '../src/model/bundle/write.ts';
import { openModel } from '../src/runtime/engine/open-model.ts';
import { HeadLearner } from '../src/runtime/learning/learner.ts';
import { Journal } from '../src/store/journal.ts';

const FIXTURES = path.resolve('test/fixtures/0.1.0');
const fixture = (name: string) => path.join(FIXTURES, name);
const int32s = z.array(z.int()).transform((values) => Int32Array.from(values));
const facts = z
  .object({
    labels: z.array(z.string()),
    verify: z.object({ sound: z.literal(true), records: z.int(), waiting: z.int() }),
    head: z.object({ sequence: z.int(), digest: z.string() }),
    depth: z.int(),
    digest: z.string(),
    updates: z.int(),
    remembered: z.int(),
    classes: z.array(z.string()),
    reads: z.object({
      pooled: z.array(z.int()).transform((values) => Int16Array.from(values)),
      factory: int32s,
      potentials: int32s,
    }),
    bundle: z.string(),
  })
  .parse(JSON.parse(readFileSync(fixture('facts.json'), 'utf8')));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'compatibility-'));
  cpSync(FIXTURES, folder, { recursive: true });
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function openJournal(): Journal {
  return Journal.open(path.join(folder, 'journal.sqlite'), {
    channels: ['result', 'fhir'],
    lane: 'external',
  });
}

describe('a bundle of version 0.1.0', () => {
  it('that was read is written again without a loss', async () => {
    for (const name of ['tiny.spikescope', 'learnable.spikescope']) {
      const bundle = await readBundle(fixture(name));
      const { digest: _, ...again } = parseBundle(bundleBytes(bundle), 'again');
      expect(again).toEqual({ ...bundle, digest: undefined });
    }
  });

  it('keeps its digest, and its golden potentials come out of the engine', async () => {
    expect((await readBundle(fixture('learnable.spikescope'))).digest).toBe(facts.bundle);
    const { engine } = await openModel(fixture('tiny.spikescope'));
    await engine.close();
  });
});

describe('a data folder of version 0.1.0', () => {
  it('has a sound journal, and the same results wait in it', () => {
    const journal = openJournal();
    const { sound, records, waiting } = facts.verify;
    expect(journal.verify()).toMatchObject({ sound, records, waiting });
    expect(journal.head()).toEqual(facts.head);
    expect(journal.depth()).toBe(facts.depth);
    const labels = [...journal.records()].filter(({ kind }) => kind === 'label');
    expect(labels.map(({ payload }) => JSON.parse(payload).label)).toEqual(facts.labels);
    journal.close();
  });

  it('has a learned head that reads as before and whose updates can be taken back', async () => {
    const journal = openJournal();
    const bundle = await readBundle(fixture('learnable.spikescope'));
    const learner = await HeadLearner.open(bundle, { folder, journal });
    expect(learner?.digest).toBe(facts.digest);
    expect([learner?.updates, learner?.remembered]).toEqual([facts.updates, facts.remembered]);
    const { pooled, factory, potentials } = facts.reads;
    expect(learner?.head.classes).toEqual(facts.classes);
    expect(learner?.head.potentials(factory, pooled)).toEqual(potentials);
    for (let i = 0; i < facts.updates; i++) expect(await learner?.undo('command')).toBe(true);
    expect(await learner?.undo('command')).toBe(false);
    journal.close();
  });
});
