/** A card that may fail at any call: what is asked of it is answered rightly, or is known not to be. */
import { setImmediate } from 'node:timers/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import type { ModelBundle } from '../../../src/model/bundle/bundle.ts';
import { parseBundle } from '../../../src/model/bundle/read.ts';
import { bundleBytes } from '../../../src/model/bundle/write.ts';
import { interpret } from '../../../src/model/interpreter/interpreter.ts';
import {
  Accelerator,
  type AcceleratorChange,
  AcceleratorLost,
  isPassing,
} from '../../../src/runtime/engine/accelerator.ts';
import { interpreterBackend } from '../../../src/runtime/engine/interpreter.ts';
import { openProved } from '../../../src/runtime/engine/open-model.ts';
import { FailingCard, type Outcome, Timers } from '../../support/failing-card.ts';
import { tinyModel } from '../../support/tiny-model.ts';

const bundle: ModelBundle = parseBundle(bundleBytes(tinyModel()), 'tiny');
const input = bundle.golden[0].input.map((value) => (value * 7 + 3) % 256);
const expected = interpret(bundle.graph, input);

interface Bench {
  readonly card: FailingCard;
  readonly timers: Timers;
  readonly accelerator: Accelerator;
  readonly changes: AcceleratorChange[];
}

async function bench(): Promise<Bench> {
  const card = new FailingCard(interpreterBackend);
  const timers = new Timers();
  const changes: AcceleratorChange[] = [];
  const open = () => openProved(card.backend, bundle);
  const accelerator = new Accelerator(await open(), {
    ...{ backend: 'akida', bundle, open, schedule: timers.schedule },
    onChange: (change) => changes.push(change),
  });
  return { card, timers, accelerator, changes };
}

/** Lets opening and closing come to their end: the interpreter yields before each image. */
async function settled(): Promise<void> {
  for (let i = 0; i < 30; i++) await setImmediate();
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => 'none',
    (error: unknown) => (error instanceof SpikescopeError ? error.code : String(error)),
  );
}

describe('an accelerator', () => {
  it('answers as its engine does while that lasts', async () => {
    const { accelerator, changes } = await bench();
    expect(await accelerator.infer(input)).toEqual({
      potentials: expected.potentials,
      embeddings: expected.embedding,
    });
    await accelerator.prove();
    expect(accelerator).toMatchObject({
      serves: true,
      fault: null,
      faults: 0,
      instructionSet: 'a test’s card',
    });
    expect(changes).toEqual([]);
    await accelerator.close();
  });

  it.each<[Outcome, string]>([
    ['fails', 'DEVICE_GONE'],
    ['fails-late', 'DEVICE_TIMEOUT'],
    ['oddly', 'DEVICE_FAILED'],
  ])(
    'that %s is out of service at once, under the code %s, and its engine is closed',
    async (outcome, code) => {
      const { card, accelerator, changes } = await bench();
      card.outcomeOf = () => outcome;
      const call = accelerator.infer(input);
      await expect(call).rejects.toBeInstanceOf(AcceleratorLost);
      expect(changes).toMatchObject([{ serves: false, fault: { code }, isTriedAgain: true }]);
      expect(accelerator).toMatchObject({ serves: false, faults: 1, fault: { code } });
      expect(await codeOf(accelerator.infer(input))).toBe(code);
      await settled();
      expect(card.openEngines).toBe(0);
      await accelerator.close();
    },
  );

  it('fails once for calls that fail together', async () => {
    const { card, accelerator, changes } = await bench();
    card.outcomeOf = () => 'fails-late';
    const calls = [1, 2, 3].map(() => accelerator.infer(input));
    for (const { status } of await Promise.allSettled(calls)) expect(status).toBe('rejected');
    expect(changes).toHaveLength(1);
    expect(accelerator.faults).toBe(1);
    await accelerator.close();
  });

  it('is opened anew after a minute, not sooner, and serves when it answers the golden inputs', async () => {
    const { card, timers, accelerator, changes } = await bench();
    card.outcomeOf = () => 'fails';
    await codeOf(accelerator.infer(input));
    card.outcomeOf = () => 'answers';
    timers.advance(59_999);
    await settled();
    expect(accelerator.serves).toBe(false);
    timers.advance(1);
    await settled();
    expect(accelerator).toMatchObject({ serves: true, fault: null, faults: 1 });
    expect(changes.map(({ serves }) => serves)).toEqual([false, true]);
    expect((await accelerator.infer(input)).potentials).toEqual(expected.potentials);
    await accelerator.close();
    expect(card.openEngines).toBe(0);
  });

  it('is tried again every minute for as long as nothing opens it, which changes nothing else', async () => {
    const { card, timers, accelerator, changes } = await bench();
    card.isDead = true;
    await codeOf(accelerator.infer(input));
    for (let minute = 0; minute < 5; minute++) {
      timers.advance(60_000);
      await settled();
      expect(accelerator).toMatchObject({ serves: false, faults: 1, fault: { code: 'DEVICE_DEAD' } });
    }
    expect(changes).toHaveLength(1);
    expect(timers.pending).toBe(1);
    await accelerator.close();
    expect(timers.pending).toBe(0);
  });

  it('that answers wrongly is not asked again', async () => {
    const { card, timers, accelerator, changes } = await bench();
    card.outcomeOf = () => 'lies';
    await expect(accelerator.prove()).rejects.toBeInstanceOf(AcceleratorLost);
    expect(changes).toMatchObject([{ serves: false, fault: { code: 'BUNDLE_GOLDEN' }, isTriedAgain: false }]);
    expect(timers.pending).toBe(0);
    await accelerator.close();
  });

  it('that answers wrongly when it is opened anew stays out of service', async () => {
    const { card, timers, accelerator } = await bench();
    card.outcomeOf = () => 'fails';
    await codeOf(accelerator.infer(input));
    card.outcomeOf = () => 'lies';
    timers.advance(60_000);
    await settled();
    expect(accelerator).toMatchObject({ serves: false, fault: { code: 'BUNDLE_GOLDEN' } });
    expect([timers.pending, card.openEngines]).toEqual([0, 0]);
    await accelerator.close();
  });

  it('is not lost to a call that its caller gave up', async () => {
    const { accelerator, changes } = await bench();
    expect(await codeOf(accelerator.infer(input, 1, { signal: AbortSignal.abort() }))).toBe('ABORTED');
    expect([accelerator.serves, changes.length]).toEqual([true, 0]);
    await accelerator.close();
  });

  it('begins out of service where it could not be opened, and comes by itself', async () => {
    const card = new FailingCard(interpreterBackend);
    const timers = new Timers();
    const changes: AcceleratorChange[] = [];
    const fault = new SpikescopeError('DEVICE_BUSY', 'another process has the card');
    const accelerator = new Accelerator(fault, {
      ...{ backend: 'akida', bundle, schedule: timers.schedule },
      open: () => openProved(card.backend, bundle),
      onChange: (change) => changes.push(change),
    });
    expect(changes).toMatchObject([{ serves: false, fault: { code: 'DEVICE_BUSY' } }]);
    timers.advance(60_000);
    await settled();
    expect(accelerator.serves).toBe(true);
    await accelerator.close();
  });

  it('once closed is neither opened anew nor told of', async () => {
    const { card, timers, accelerator, changes } = await bench();
    card.outcomeOf = () => 'fails';
    await codeOf(accelerator.infer(input));
    card.outcomeOf = () => 'answers';
    timers.advance(60_000);
    await accelerator.close();
    await settled();
    expect([card.openEngines, timers.pending, changes.length]).toEqual([0, 0, 1]);
    expect(await codeOf(accelerator.infer(input))).toBe('ENGINE_CLOSED');
  });

  it('takes for passing what a device may recover from, and nothing else', () => {
    const passing = (code: string) => isPassing(new SpikescopeError(code, ''));
    expect(['DEVICE_TIMEOUT', 'DEVICE_DEAD', 'ENGINE_FAILED', 'OUT_OF_MEMORY'].every(passing)).toBe(true);
    const lasting = ['DEVICE_PROGRAM', 'DEVICE_VERSION', 'BUNDLE_GOLDEN', 'BACKEND_UNSUPPORTED'];
    expect(lasting.some(passing)).toBe(false);
  });
});

type Step = { readonly outcome: Outcome } | { readonly seconds: number } | { readonly dies: boolean };

const steps = fc.array(
  fc.oneof(
    {
      weight: 6,
      arbitrary: fc.record({ outcome: fc.constantFrom<Outcome>('answers', 'fails', 'fails-late', 'oddly') }),
    },
    { weight: 2, arbitrary: fc.record({ seconds: fc.integer({ min: 1, max: 90 }) }) },
    { weight: 1, arbitrary: fc.record({ dies: fc.boolean() }) },
  ),
  { maxLength: 40 },
);

describe('an accelerator under any course of faults', () => {
  it('answers exactly or not at all, holds one engine at most, and leaves none behind', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (course: readonly Step[]) => {
        const { card, timers, accelerator, changes } = await bench();
        for (const step of course) {
          if ('dies' in step) card.isDead = step.dies;
          else if ('seconds' in step) {
            timers.advance(step.seconds * 1000);
            await settled();
          } else {
            card.outcomeOf = () => step.outcome;
            const didServe = accelerator.serves;
            const answer = await accelerator.infer(input).catch((error: unknown) => error);
            card.outcomeOf = () => 'answers';
            if (didServe && step.outcome === 'answers' && !card.isDead) {
              expect(answer).toMatchObject({ potentials: expected.potentials });
            } else {
              expect(answer).toBeInstanceOf(AcceleratorLost);
              expect(accelerator.serves).toBe(false);
            }
            await settled();
          }
          expect(card.openEngines).toBe(accelerator.serves ? 1 : 0);
          expect(accelerator.serves).toBe(accelerator.fault === null);
          // Out of service, it is always on the way to be tried again.
          expect(timers.pending).toBe(accelerator.serves ? 0 : 1);
        }
        // Each fault is told, and each return, in turns.
        expect(changes.map(({ serves }) => serves)).toEqual(changes.map((_, i) => i % 2 === 1));
        expect(accelerator.faults).toBe(changes.filter(({ serves }) => !serves).length);
        await accelerator.close();
        expect([card.openEngines, timers.pending]).toEqual([0, 0]);
      }),
      { numRuns: 150 },
    );
  });
});
