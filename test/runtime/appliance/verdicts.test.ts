/** A verdict holds whether or not it is learned: it is recorded and sent in one commit, and undo takes back the newest. */
import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import type { Learner } from '../../../src/runtime/appliance/appliance.ts';
import { learnerFor } from '../../../src/runtime/appliance/demonstration.ts';
import { resultOf } from '../../../src/runtime/appliance/make-result.ts';
import { RecordedLearner } from '../../../src/runtime/appliance/recorded-learner.ts';
import { Verdicts } from '../../../src/runtime/appliance/verdicts.ts';
import type { Reading } from '../../../src/runtime/inference/reading.ts';
import { HeadLearner } from '../../../src/runtime/learning/learner.ts';
import { Journal } from '../../../src/store/journal.ts';
import type { GivenLabel, Label } from '../../../src/telehealth/label.ts';
import { labelSchema } from '../../../src/telehealth/label.ts';
import { bytesOf } from '../../../src/telehealth/payload.ts';
import type { Result } from '../../../src/telehealth/result.ts';
import { drawCase, learnableBundle } from '../../support/learnable.ts';
import { Random } from '../../support/random.ts';
import { READING, readings } from '../../support/readings.ts';

const DIAGNOSIS = 'two';
const bundle = learnableBundle();

let folder: string;
let journal: Journal;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'verdicts-'));
  journal = Journal.open(path.join(folder, 'journal.sqlite'));
});
afterEach(() => {
  journal.close();
  rmSync(folder, { recursive: true, force: true });
});

/** A result in the journal, as somebody sees it who is to confirm it. */
function read(source: Result['source'] = 'v4l2', reading: Partial<Reading> = {}) {
  const id = randomUUID();
  const context = { id, device: 'scope-1', capturedAt: new Date(), source };
  const result = resultOf(
    { ...READING, diagnosis: DIAGNOSIS, probabilities: { two: 1 }, ...reading },
    context,
  );
  journal.append({ id, capturedAt: result.capturedAt, payload: JSON.stringify(result) });
  return { id, accepted: true, diagnosis: result.diagnosis, ranking: [DIAGNOSIS] };
}

/** @param learner made with the verdicts that it is to record; null for a device that does not learn */
function recorded(learner: Learner | null, verdicts: Verdicts, source: Result['source'] = 'v4l2') {
  return new RecordedLearner({ learner, verdicts, journal, source, onRecorded: () => {} });
}

async function learning(source: Result['source'] = 'v4l2') {
  const verdicts = new Verdicts('scope-1', journal);
  verdicts.follow(() => null);
  const head = await HeadLearner.open(bundle, { folder, journal, verdicts });
  if (head === null) throw new Error('this bundle cannot learn');
  return { head, learner: recorded(learnerFor(source, head, journal), verdicts, source) };
}

/** All verdicts that wait to be sent, oldest first. */
function sent(): Label[] {
  return journal.waiting(1000, ['label']).map(({ payload }) => labelSchema.parse(JSON.parse(payload)));
}

describe('verdicts', () => {
  const given = fc.record({
    kind: fc.constant('given' as const),
    label: fc.constantFrom('one', 'two', 'three', 'scar'),
    isTeachable: fc.boolean(),
    seed: fc.nat(1000),
  });
  const step = fc.oneof(
    { weight: 3, arbitrary: given },
    { weight: 2, arbitrary: fc.constant({ kind: 'undo' as const }) },
    { weight: 1, arbitrary: fc.constant({ kind: 'restart' as const }) },
  );

  it('are a stack: whatever was learned, refused or not teachable, undo withdraws the newest that holds', {
    timeout: 120_000,
  }, async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 14 }), async (steps) => {
        let { head, learner } = await learning();
        const stack: GivenLabel[] = [];
        let messages = sent().length;
        for (const each of steps) {
          expect(learner.lastUpdate()?.label).toBe(stack.at(-1)?.label);
          if (each.kind === 'restart') ({ head, learner } = await learning());
          else if (each.kind === 'given') {
            const reading = read();
            const cluster = ['one', 'two', 'three'].indexOf(each.label);
            if (each.isTeachable) learner.observe(reading.id, drawCase(new Random(each.seed), cluster + 1));
            const { kept, fault } = await learner.learn(reading, each.label, 'keyboard');
            expect(fault?.code).toBe(each.isTeachable ? undefined : 'EVIDENCE_GONE');
            const said = sent().at(-1);
            if (said === undefined || said.verdict === 'withdrawn') throw new Error('no verdict was sent');
            expect(said).toMatchObject({
              ...{ result: reading.id, diagnosis: DIAGNOSIS, label: each.label, learned: kept },
              verdict: each.label === DIAGNOSIS ? 'confirmed' : 'corrected',
            });
            stack.push(said);
            messages++;
          } else {
            const top = stack.pop();
            expect(await learner.undo('button')).toBe(top !== undefined);
            if (top === undefined) continue;
            const { id: withdraws, result, label } = top;
            expect(sent().at(-1)).toMatchObject({ verdict: 'withdrawn', withdraws, result, label });
            messages++;
          }
          expect(head.updates).toBe(stack.filter(({ learned }) => learned).length);
          expect(sent()).toHaveLength(messages);
        }
        while (await learner.undo('command'));
        expect(head.updates).toBe(0);
        expect(journal.verify()).toMatchObject({ sound: true });
      }),
      { numRuns: 12 },
    );
  });

  it('are recorded right before the update that they led to, or its undo', async () => {
    const { learner } = await learning();
    const reading = read();
    learner.observe(reading.id, drawCase(new Random(1), 1));
    expect(await learner.learn(reading, DIAGNOSIS, 'button')).toEqual({ kept: true });
    expect(await learner.undo('command')).toBe(true);
    const kinds = [...journal.records()].map(({ kind, recordedAt }) => [kind, recordedAt]);
    const [, , label, update, withdrawal, undo] = kinds;
    expect(kinds.map(([kind]) => kind)).toEqual(['capture', 'reading', 'label', 'update', 'label', 'undo']);
    // One commit has one time.
    expect([label[1], withdrawal[1]]).toEqual([update[1], undo[1]]);
    expect(sent().map(({ by }) => by)).toEqual(['button', 'command']);
  });

  it('of a device that does not learn are sent, and withdrawn, all the same', async () => {
    const learner = recorded(null, new Verdicts('scope-1', journal));
    const reading = read();
    expect(await learner.learn(reading, 'one', 'button')).toMatchObject({ kept: false });
    expect(sent()).toMatchObject([{ verdict: 'corrected', label: 'one', learned: false, clock: 'unknown' }]);
    expect(learner.lastUpdate()).toEqual({ label: 'one' });
    expect(await learner.undo('button')).toBe(true);
    expect(sent()).toMatchObject([{ verdict: 'corrected' }, { verdict: 'withdrawn' }]);
    expect(await learner.undo('button')).toBe(false);
  });

  it('are none where the label names nothing, or the journal cannot take them', async () => {
    const reading = read();
    const failing = (code: string): Learner => ({
      observe() {},
      learn: () => Promise.reject(new SpikescopeError(code, 'it failed')),
      undo: async () => false,
      lastUpdate: () => null,
    });
    const verdicts = new Verdicts('scope-1', journal);
    for (const code of ['LABEL_INVALID', 'JOURNAL_DISK_FULL']) {
      const learner = recorded(failing(code), verdicts);
      await expect(learner.learn(reading, 'anna', 'command')).rejects.toMatchObject({ code });
      expect(sent()).toEqual([]);
    }
    const broken = { ...failing(''), learn: () => Promise.reject(new TypeError('a fault of ours')) };
    const outcome = await recorded(broken, verdicts).learn(reading, 'one', 'command');
    expect(outcome).toMatchObject({ kept: false, fault: { code: 'INTERNAL' } });
    expect(sent()).toMatchObject([{ label: 'one', learned: false }]);
  });

  it('of a demonstration are called one, teach no camera’s head, and take back nothing said of patients', async () => {
    const camera = await learning('v4l2');
    await camera.learner.learn(read('v4l2'), 'one', 'button');
    const drawn = await learning('phantom');
    expect(drawn.learner.lastUpdate()).toBeNull();
    expect(await drawn.learner.undo('button')).toBe(false);
    const reading = read('phantom');
    drawn.learner.observe(reading.id, drawCase(new Random(1), 1));
    const outcome = await drawn.learner.learn(reading, DIAGNOSIS, 'button');
    expect(outcome).toMatchObject({ kept: false, fault: { code: 'LEARNING_FROM_DRAWINGS' } });
    expect(sent().map(({ source }) => source)).toEqual(['v4l2', 'phantom']);
    expect(await drawn.learner.undo('button')).toBe(true);
    expect(await drawn.learner.undo('button')).toBe(false);
  });
});

describe('a verdict on the wire', () => {
  it('follows the published schema and stays below 4 kB whatever the reading, and repeats only what that says', () => {
    const ajv = new Ajv2020({ strict: true, allErrors: true, formats: { uuid: true, 'date-time': true } });
    const validate = ajv.compile(JSON.parse(readFileSync('docs/schema/label-1.json', 'utf8')));
    const verdicts = new Verdicts('scope-1', journal);
    const name = fc.string({ unit: 'binary', minLength: 1, maxLength: 64 }).map((text) => text.slice(0, 64));
    fc.assert(
      fc.property(readings, name, fc.boolean(), (reading, label, learned) => {
        const { id } = read('libcamera', reading);
        journal.record(verdicts.given(id, { label, by: 'button', learned }));
        journal.record(verdicts.withdrawn(id, 'recovery'));
        expect(verdicts.withdrawn(id, 'recovery')).toEqual([]);
        const messages = journal.payloadsOf(id, 'label');
        expect(messages).toHaveLength(2);
        for (const payload of messages) {
          const document = JSON.parse(payload);
          expect(validate(document), JSON.stringify(validate.errors)).toBe(true);
          expect(validate({ ...document, patient: 'x' })).toBe(false);
          expect(bytesOf(payload)).toBeLessThan(4000);
          expect(document).toMatchObject({ source: 'libcamera', model: reading.model, result: id, label });
        }
      }),
      { numRuns: 60 },
    );
  });

  it('is none of a case that the journal has no reading of', () => {
    const verdicts = new Verdicts('scope-1', journal);
    expect(verdicts.given(randomUUID(), { label: 'one', by: 'button', learned: true })).toEqual([]);
    expect(verdicts.withdrawn(randomUUID(), 'button')).toEqual([]);
  });
});
