/** What was learned, on disk and in the journal: the two agree whatever fails, and neither is believed. */
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import type { ModelBundle } from '../../../src/model/bundle/bundle.ts';
import { type ContainerKind, packContainer } from '../../../src/model/bundle/container.ts';
import type { LearningJournal } from '../../../src/runtime/learning/change-record.ts';
import { type Correction, noCorrection } from '../../../src/runtime/learning/correction.ts';
import { deltaName, headsOfOtherBundles } from '../../../src/runtime/learning/delta-file.ts';
import { headDigest, type LearnedState } from '../../../src/runtime/learning/state.ts';
import { decodeState, encodeState } from '../../../src/runtime/learning/state-file.ts';
import type { VerdictRecords } from '../../../src/runtime/learning/verdict-records.ts';
import type { RecordDraft } from '../../../src/store/chain.ts';
import { Journal } from '../../../src/store/journal.ts';
import { CLASSES, drawCase, FEATURES, FOREIGN, learnableBundle } from '../../support/learnable.ts';
import { Pupil } from '../../support/pupil.ts';
import { Random } from '../../support/random.ts';

const bundle = learnableBundle();
const other = learnableBundle(99);
const DELTA = deltaName(bundle.digest);
const FIT = { bundle: bundle.digest, classes: CLASSES, features: FEATURES, largestSum: 4 * 255 };
const FORMER = 'head.spikescope-delta';

let folder: string;
let journal: Journal;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'kept-state-'));
  journal = openJournal();
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

const openJournal = (place = folder) => Journal.open(path.join(place, 'journal.sqlite'));
const open = (of: ModelBundle = bundle, by: LearningJournal = journal) =>
  Pupil.open(of, { folder, journal: by });
const deltas = (place = folder) => readdirSync(place).filter((name) => name.startsWith('head'));
const nameOf = (label: number) => CLASSES[label] ?? 'foreign';
const factoryDigest = (of = bundle) =>
  headDigest(of.digest, { correction: noCorrection(CLASSES, FEATURES), memory: [] });

/** A journal that fails: before anything is written, or when all is, as where a flush fails and the bytes are there. */
class FailingJournal implements LearningJournal {
  fails: 'never' | 'before' | 'after' = 'never';
  /** Called with each record before it is written. */
  onRecord: () => void = () => {};

  record(drafts: readonly RecordDraft[]): number {
    this.onRecord();
    if (this.fails === 'before') throw new SpikescopeError('JOURNAL_BUSY', 'planned');
    const sequence = journal.record(drafts);
    if (this.fails === 'after') throw new SpikescopeError('JOURNAL_FAILED', 'planned');
    return sequence;
  }

  payloadsOf: LearningJournal['payloadsOf'] = (caseId, kind) => journal.payloadsOf(caseId, kind);
  records = () => journal.records();
}

const changes = (by: Journal = journal) =>
  [...by.records()]
    .filter(({ kind }) => ['update', 'undo', 'reset'].includes(kind))
    .map(({ kind, payload }) => ({ kind, ...JSON.parse(payload) }));

/** Heads that a record names; and that of the bundle, which needs none. */
function named(): Set<string> {
  return new Set([factoryDigest(), ...changes().flatMap(({ before, after }) => [before, after])]);
}

/** Teaches cases until so many were kept. */
async function learn(pupil: Pupil, kept: number, seed = 3): Promise<void> {
  const random = new Random(seed);
  for (let i = 0; kept > 0; i++) {
    const label = i % (FOREIGN + 1);
    const outcome = await pupil.teach(drawCase(random, label), nameOf(label), `lesson-${seed}-${i}`);
    if (outcome.kept) kept--;
  }
}

describe('an update that the journal does not take', () => {
  it.each(['before', 'after'] as const)(
    'fails, and the old head reads on, in memory and after a new start (journal fails %s it has written)',
    async (when) => {
      const failing = new FailingJournal();
      const pupil = await open(bundle, failing);
      await learn(pupil, 2);
      const { digest } = pupil.learner;
      const delta = readFileSync(path.join(folder, DELTA));
      failing.fails = when;
      await expect(learn(pupil, 1, 8)).rejects.toMatchObject({ code: /^JOURNAL_/ });
      await expect(pupil.learner.undo('button')).rejects.toMatchObject({ code: /^JOURNAL_/ });
      await expect(pupil.learner.reset('button')).rejects.toMatchObject({ code: /^JOURNAL_/ });
      expect(pupil.learner.digest).toBe(digest);
      expect(pupil.learner.head.digest).toBe(digest);
      expect(readFileSync(path.join(folder, DELTA))).toEqual(delta);
      const again = await open();
      expect(again.learner.digest).toBe(digest);
      expect(again.setAside).toEqual([]);
      const said = changes().map((each) => JSON.stringify(each));
      expect(new Set(said).size, 'nothing is taken back twice').toBe(said.length);
    },
  );

  it('is taken back by a record of its own when it turns up in the journal after all, once', async () => {
    const failing = new FailingJournal();
    const pupil = await open(bundle, failing);
    await learn(pupil, 1);
    const { digest } = pupil.learner;
    failing.fails = 'after';
    await expect(learn(pupil, 1, 8)).rejects.toThrow();
    await open();
    expect((await open()).learner.digest).toBe(digest);
    const [, update, ...rest] = changes();
    expect(update).toMatchObject({ kind: 'update', before: digest });
    expect(rest).toEqual([
      { kind: 'undo', update: update.update, by: 'recovery', before: update.after, after: digest },
    ]);
    expect(deltas()).toEqual([DELTA]);
  });

  it('takes the verdict back with it that turned up too, in the same commit', async () => {
    const failing = new FailingJournal();
    const said = (caseId: string, payload: object) =>
      [{ kind: 'label', caseId, payload: JSON.stringify(payload), isMessage: true }] as const;
    const verdicts: VerdictRecords = {
      given: (caseId, { label, learned }) => [...said(caseId, { schema: 'a verdict', label, learned })],
      withdrawn: (caseId, by) => [...said(caseId, { schema: 'a withdrawal', by })],
    };
    const pupil = await Pupil.open(bundle, { folder, journal: failing, verdicts });
    failing.fails = 'after';
    await expect(learn(pupil, 1)).rejects.toThrow();
    for (let i = 0; i < 2; i++) await Pupil.open(bundle, { folder, journal, verdicts });
    const records = [...journal.records()].slice(-4);
    expect(records.map(({ kind, payload }) => [kind, JSON.parse(payload)])).toMatchObject([
      ['label', { schema: 'a verdict', learned: true }],
      ['update', { kept: true }],
      ['label', { schema: 'a withdrawal', by: 'recovery' }],
      ['undo', { by: 'recovery' }],
    ]);
    expect(new Set(records.map(({ caseId }) => caseId)).size).toBe(1);
    expect(records[2].recordedAt).toBe(records[3].recordedAt);
    expect(journal.waiting(10).map(({ sequence }) => sequence)).toEqual([
      records[0].sequence,
      records[2].sequence,
    ]);
  });

  it('does not hinder the next', async () => {
    const failing = new FailingJournal();
    const pupil = await open(bundle, failing);
    failing.fails = 'before';
    await expect(learn(pupil, 1)).rejects.toThrow();
    failing.fails = 'never';
    await learn(pupil, 2, 5);
    expect((await open()).learner.digest).toBe(pupil.learner.digest);
    expect(changes().map(({ kept }) => kept)).not.toContain(false);
    expect(deltas()).toEqual([DELTA]);
  });

  it('leaves no head without a record, in any order of changes, failures and new starts', async () => {
    const step = fc.record({
      what: fc.constantFrom('learn', 'learn', 'undo', 'reset', 'restart'),
      fails: fc.constantFrom('never', 'never', 'before', 'after'),
      label: fc.integer({ min: 0, max: FOREIGN }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 14 }), async (steps) => {
        journal.close();
        rmSync(folder, { recursive: true });
        mkdirSync(folder);
        journal = openJournal();
        const failing = new FailingJournal();
        const random = new Random(steps.length);
        let pupil = await open(bundle, failing);
        for (const [i, { what, fails, label }] of steps.entries()) {
          const { digest } = pupil.learner;
          failing.fails = fails;
          const action = { learn: () => pupil.teach(drawCase(random, label), nameOf(label), `step-${i}`) };
          const attempt =
            what === 'learn' ? action.learn() : what === 'restart' ? null : pupil.learner[what]('button');
          const failed = await attempt?.then(
            () => false,
            () => true,
          );
          failing.fails = 'never';
          if (what === 'restart') pupil = await open(bundle, failing);
          if (failed || what === 'restart') expect(pupil.learner.digest).toBe(digest);
          expect(named()).toContain(pupil.learner.digest);
        }
        const { digest } = pupil.learner;
        expect((await open()).learner.digest).toBe(digest);
        expect(changes().at(-1)?.after ?? digest).toBe(digest);
      }),
      { numRuns: 15 },
    );
  }, 120_000);
});

describe('a cut between the steps of a change', () => {
  /** The folder as it is at a moment, opened again elsewhere. */
  async function reopened(place: string) {
    const kept = openJournal(place);
    try {
      const pupil = await Pupil.open(bundle, { folder: place, journal: kept });
      expect(pupil.setAside).toEqual([]);
      return { digest: pupil.learner.digest, last: changes(kept).at(-1), files: deltas(place) };
    } finally {
      kept.close();
    }
  }

  it('leaves the old head before the record, and the new one after it, with nothing half done', async () => {
    const failing = new FailingJournal();
    const pupil = await open(bundle, failing);
    await learn(pupil, 1);
    const before = pupil.learner.digest;
    const place = mkdtempSync(path.join(tmpdir(), 'kept-state-cut-'));
    try {
      failing.onRecord = () => cpSync(folder, path.join(place, 'prepared'), { recursive: true });
      await learn(pupil, 1, 8);
      const after = pupil.learner.digest;
      // Activation undone: the prepared file is there again under its own name, and the file is the one of before.
      const recorded = path.join(place, 'recorded');
      cpSync(folder, recorded, { recursive: true });
      for (const name of [DELTA, `${DELTA}.next`]) {
        cpSync(path.join(place, 'prepared', name), path.join(recorded, name));
      }
      expect(deltas(recorded)).toEqual([DELTA, `${DELTA}.next`]);
      const files = [DELTA];
      expect(await reopened(path.join(place, 'prepared'))).toMatchObject({
        ...{ digest: before, last: { after: before }, files },
      });
      expect(await reopened(recorded)).toMatchObject({ digest: after, last: { before, after }, files });
    } finally {
      rmSync(place, { recursive: true });
    }
  });

  it('is what a file that cannot be put in its place amounts to: the record decides', async () => {
    const pupil = await open();
    mkdirSync(path.join(folder, DELTA, 'in the way'), { recursive: true });
    await learn(pupil, 1);
    const { digest } = pupil.learner;
    expect(changes().at(-1)).toMatchObject({ after: digest });
    await expect(learn(pupil, 1, 8)).rejects.toMatchObject({ code: 'DOCUMENT_UNWRITABLE' });
    expect(pupil.learner.digest).toBe(digest);
    rmSync(path.join(folder, DELTA), { recursive: true });
    const again = await open();
    expect(again.learner.digest).toBe(digest);
    await learn(again, 1, 9);
    expect((await open()).learner.digest).toBe(again.learner.digest);
  });
});

describe('what was learned with a bundle', () => {
  it('waits while another bundle learns, and is taken up again when its own returns', async () => {
    const mine = await open(bundle);
    await learn(mine, 3);
    const theirs = await open(other);
    expect(theirs.learner.digest).toBe(factoryDigest(other));
    await learn(theirs, 2, 6);
    expect(await headsOfOtherBundles(folder, bundle.digest)).toEqual([deltaName(other.digest)]);
    for (const [of, { learner }] of [[bundle, mine] as const, [other, theirs] as const]) {
      const again = await open(of);
      expect(again.learner.digest).toBe(learner.digest);
      expect(again.learner.updates).toBe(learner.updates);
      expect(again.setAside).toEqual([]);
    }
    expect(deltas().sort()).toEqual([DELTA, deltaName(other.digest)].sort());
  });

  it('is found under the name of before, and gets the name of its bundle', async () => {
    const pupil = await open();
    await learn(pupil, 2);
    renameSync(path.join(folder, DELTA), path.join(folder, FORMER));
    const again = await open();
    expect(again.learner.digest).toBe(pupil.learner.digest);
    expect(again.setAside).toEqual([]);
    expect(deltas()).toEqual([DELTA]);
  });

  it('is kept for its bundle also when another finds it under the name of before, and says so', async () => {
    const pupil = await open();
    await learn(pupil, 2);
    renameSync(path.join(folder, DELTA), path.join(folder, FORMER));
    expect((await open(other)).setAside).toEqual(['DELTA_BUNDLE', path.join(folder, DELTA)]);
    expect((await open(other)).setAside).toEqual([]);
    expect((await open()).learner.digest).toBe(pupil.learner.digest);
  });

  it('gives way to the newer file, not over it, when both names are there', async () => {
    const pupil = await open();
    await learn(pupil, 1);
    cpSync(path.join(folder, DELTA), path.join(folder, FORMER));
    await learn(pupil, 1, 8);
    const again = await open();
    expect(again.learner.digest).toBe(pupil.learner.digest);
    expect(again.setAside).toEqual(['DELTA_SUPERSEDED', path.join(folder, `${FORMER}.refused-1`)]);
  });
});

const KIND: ContainerKind = {
  ...{ magic: 'SPIKELRN', formatVersion: 1, code: 'DELTA', noun: 'learned head' },
  remedies: { notOne: '', damaged: '', unknownFormat: '' },
};

/** The document and the data of a file, changed, under a right digest again. */
function resigned(bytes: Buffer, change: (document: string, data: Buffer) => string): Uint8Array {
  const end = 16 + bytes.readUInt32LE(12);
  const data = Buffer.from(bytes.subarray(end, bytes.length - 32));
  const text = change(bytes.subarray(16, end).toString('utf8'), data);
  let document: unknown = text;
  try {
    document = JSON.parse(text);
  } catch {}
  return packContainer(document, data, KIND);
}

describe('a file with a right digest', () => {
  it('is used as it was written or not at all, whatever was changed in it; no start fails, nothing gets into the journal', async () => {
    const pupil = await open();
    await learn(pupil, 6);
    const known = named();
    const sound = readFileSync(path.join(folder, DELTA));
    const records = [...journal.records()].length;
    const random = new Random(42);
    let refused = 0;
    for (let i = 0; i < 80; i++) {
      const changed = resigned(sound, (text, data) => {
        if (i % 2) {
          data[random.integer(0, data.length - 1)] ^= 1 << random.integer(0, 7);
          return text;
        }
        const at = random.integer(0, text.length - 1);
        const put = String.fromCharCode(random.integer(32, 126));
        return text.slice(0, at) + put + text.slice(at + 1);
      });
      writeFileSync(path.join(folder, DELTA), changed);
      const again = await open();
      if (again.setAside.length > 0) {
        refused++;
        expect(again.learner.digest).toBe(factoryDigest());
        expect(existsSync(again.setAside[1])).toBe(true);
      } else {
        expect(again.learner.digest).toBe(pupil.learner.digest);
        // Bytes that only fill a gap: all that can be taken back to is the same.
        for (const earlier of decodeState(changed, DELTA, FIT).history) {
          expect(known).toContain(headDigest(bundle.digest, earlier));
        }
      }
      expect([...journal.records()]).toHaveLength(records);
    }
    expect(refused).toBeGreaterThan(60);
  }, 60_000);

  const table: readonly (readonly [string, (text: string, data: Buffer) => string])[] = [
    ['an answer as a class', (text) => text.replaceAll('"foreign"', '"retake"')],
    ['the other answer as a class', (text) => text.replaceAll('"foreign"', '"indeterminate"')],
    ['a class twice', (text) => text.replaceAll('"foreign"', '"one"')],
    ['a class that a terminal would obey', (text) => text.replaceAll('"foreign"', '"\\u001b[2J"')],
    ['a class without a name', (text) => text.replaceAll('"foreign"', '""')],
    ['another factory', (text) => text.replaceAll('"three"', '"third"')],
    ['a shift too large', (text) => text.replaceAll(/"shift":\d+/g, '"shift":25')],
    ['a shift below zero', (text) => text.replaceAll(/"shift":\d+/g, '"shift":-1')],
    ['half a shift', (text) => text.replaceAll(/"shift":\d+/g, '"shift":0.5')],
    ['no record', (text) => text.replace(/"record":\{.*\}/s, '"record":null}')],
    ['a record of a capture', (text) => text.replace('"kind":"update"', '"kind":"capture"')],
    ['a record of another case', (text) => text.replace(/("kind":"update","caseId":)"[^"]*"/, '$1"x"')],
    ['a record that is no JSON', (text) => text.replace(/"payload":".*"/s, '"payload":"{"')],
    ['a record that does not say who', (text) => text.replace('\\"by\\":\\"keyboard\\",', '')],
    ['a field that nobody knows', (text) => text.replace('{', '{"more":1,')],
    ['another bundle', (text) => text.replace(bundle.digest, other.digest)],
    ['places outside the cases', (text, data) => edited(text, 'memory', (at) => data.writeInt32LE(-1, at))],
    ['a label outside the classes', (text, data) => edited(text, 'labels', (at) => data.fill(9, at, at + 1))],
    [
      'a sum that no embedding makes',
      (text, data) => edited(text, 'pooled', (at) => data.writeInt16LE(-5, at)),
    ],
    ['a sum that is too large', (text, data) => edited(text, 'pooled', (at) => data.writeInt16LE(1021, at))],
    ['other weights', (text, data) => edited(text, 'weights', (at) => data.writeInt16LE(77, at))],
    [
      'the least of all weights',
      (text, data) => edited(text, 'weights', (at) => data.writeInt16LE(-32_768, at)),
    ],
    ['other potentials', (text, data) => edited(text, 'potentials', (at) => data.writeInt32LE(7, at))],
  ];

  /** Alters the data where the first array of a name begins. */
  function edited(text: string, name: string, alter: (at: number) => void): string {
    const at = new RegExp(`"${name}":\\{"type":"\\w+","offset":(\\d+)`).exec(text)?.[1];
    if (at === undefined) throw new Error(`no ${name}`);
    alter(Number(at));
    return text;
  }

  /** What its format rules out is so named; what it allows is another head than the journal's. */
  function codeOf(what: string): string {
    if (what === 'another bundle') return 'DELTA_BUNDLE';
    const allowed = ['other weights', 'other potentials', 'a record of another case'];
    const isAllowed = allowed.includes(what) || /^a record that/.test(what);
    return isAllowed ? 'DELTA_RECORD' : 'DELTA_SCHEMA';
  }

  it.each(table)('is set aside for %s', async (what, change) => {
    const pupil = await open();
    const random = new Random(3);
    for (const label of [1, FOREIGN, 2]) await pupil.teach(drawCase(random, label), nameOf(label));
    expect(pupil.learner.head.classes).toContain('foreign');
    const sound = readFileSync(path.join(folder, DELTA));
    expect((await open()).learner.digest).toBe(pupil.learner.digest);
    writeFileSync(path.join(folder, DELTA), resigned(sound, change));
    const again = await open();
    expect(again.setAside).toEqual([codeOf(what), path.join(folder, `${DELTA}.refused-1`)]);
    expect(again.learner.digest).toBe(factoryDigest());
    expect((await open()).setAside).toEqual([]);
  });

  it('is set aside when its record names another head before than the journal’s does', async () => {
    const pupil = await open();
    await learn(pupil, 2);
    await pupil.learner.undo('button');
    const sound = readFileSync(path.join(folder, DELTA));
    const unknown = 'ab'.repeat(32);
    const change = (text: string) => text.replace(/(\\"before\\":\\")[0-9a-f]{64}/, `$1${unknown}`);
    writeFileSync(path.join(folder, DELTA), resigned(sound, change));
    expect((await open()).setAside[0]).toBe('DELTA_RECORD');
    expect(changes().map(({ before }) => before)).not.toContain(unknown);
  });

  it('is set aside when it is no file, or far too large', async () => {
    mkdirSync(path.join(folder, DELTA));
    expect((await open()).setAside[0]).toBe('DELTA_SIZE');
    writeFileSync(path.join(folder, DELTA), Buffer.alloc(33 * 2 ** 20));
    expect((await open()).setAside[0]).toBe('DELTA_SIZE');
  });
});

describe('a head that somebody made up, with a record that fits it', () => {
  const none = noCorrection(CLASSES, FEATURES);
  const blind: Correction = {
    ...none,
    bias: Int32Array.from(CLASSES, (name) => (name === 'mel' ? -1e6 : 0)),
  };
  const figures = { balancedAccuracy: 1, sensitivity: 1 };

  function made(correction: Correction, earlier: Correction): LearnedState {
    const digestOf = (each: Correction) => headDigest(bundle.digest, { correction: each, memory: [] });
    const payload = JSON.stringify({
      ...{ update: crypto.randomUUID(), kept: true, label: 'one', newClass: false, by: 'button', share: 1 },
      ...{ before: digestOf(earlier), after: digestOf(correction) },
      guard: { factory: figures, before: figures, proposed: figures },
    });
    const history = [{ caseId: 'case', correction: earlier, memory: [] }];
    return { correction, memory: [], history, record: { kind: 'update', caseId: 'case', payload } };
  }
  const slight: Correction = { ...none, bias: Int32Array.of(1, 0, 0, 0) };
  const twice: Correction = { ...none, bias: Int32Array.of(2, 0, 0, 0) };
  const write = (state: LearnedState) =>
    writeFileSync(path.join(folder, DELTA), encodeState(state, bundle.digest));

  it.each([
    ['as it is', made(blind, none)],
    ['in what can be taken back to', made(slight, blind)],
  ])('must pass the gate, %s', async (_, state) => {
    write(state);
    const pupil = await open();
    expect(pupil.setAside[0]).toBe('DELTA_GATE');
    expect(pupil.learner.digest).toBe(factoryDigest());
    expect(changes()).toEqual([]);
  });

  it('is recorded when the journal knows nothing of this bundle: it may be a new one', async () => {
    write(made(slight, none));
    const pupil = await open();
    expect(pupil.setAside).toEqual([]);
    expect(changes()).toEqual([expect.objectContaining({ after: pupil.learner.digest })]);
  });

  it.each([
    [
      'another head before',
      { ...made(slight, none), history: [{ caseId: 'case', correction: twice, memory: [] }] },
    ],
    ['another case', { ...made(slight, none), history: [{ caseId: 'x', correction: none, memory: [] }] }],
    ['nothing before', { ...made(slight, none), history: [] }],
  ])('is set aside, also for a new journal, when its record is that of %s', async (_, state) => {
    write(state);
    expect((await open()).setAside[0]).toBe('DELTA_RECORD');
    expect(changes()).toEqual([]);
  });

  it('is set aside when it says that it was reset, and has learned', async () => {
    const { record, ...state } = made(slight, none);
    const { before, after } = JSON.parse(record?.payload ?? '');
    const payload = JSON.stringify({ update: crypto.randomUUID(), by: 'button', before, after });
    write({ ...state, record: { kind: 'reset', caseId: 'case', payload } });
    expect((await open()).setAside[0]).toBe('DELTA_RECORD');
  });

  it('must follow from the journal where that knows the head before', async () => {
    const pupil = await open();
    await learn(pupil, 2);
    write(made(slight, none));
    const again = await open();
    expect(again.setAside[0]).toBe('DELTA_RECORD');
    expect(changes()).toHaveLength(2);
  });
});

describe('a start whose journal takes nothing', () => {
  it('goes on with the factory head, leaves what was learned in its place, and teaches nothing before it is taken up', async () => {
    const pupil = await open();
    await learn(pupil, 2);
    const kept = readFileSync(path.join(folder, DELTA));
    journal.close();
    for (const name of readdirSync(folder)) if (name.startsWith('journal')) rmSync(path.join(folder, name));
    journal = openJournal();
    const failing = new FailingJournal();
    failing.fails = 'before';
    const again = await open(bundle, failing);
    expect(again.setAside).toEqual(['JOURNAL_BUSY', 'left in its place']);
    expect(again.learner.digest).toBe(factoryDigest());
    await expect(learn(again, 1, 8)).rejects.toMatchObject({ code: 'JOURNAL_BUSY' });
    expect(readFileSync(path.join(folder, DELTA))).toEqual(kept);
    failing.fails = 'never';
    await learn(again, 1, 8);
    expect(changes().map(({ before }) => before)).toContain(pupil.learner.digest);
    expect(again.learner.updates).toBe(3);
  });
});
