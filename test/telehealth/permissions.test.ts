import { describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../src/errors.ts';
import { Permissions } from '../../src/telehealth/permissions.ts';
import { TakeoverWatch } from '../../src/telehealth/takeover.ts';

const LOST = new SpikescopeError('BROKER_LOST', 'gone');
const HOUR = 3_600_000;

function permissions() {
  const told: SpikescopeError[] = [];
  let now = 0;
  const kept = new Permissions({ onGivenUp: (fault) => told.push(fault), now: () => now });
  return { kept, told, wait: (milliseconds: number) => (now += milliseconds) };
}

describe('a topic', () => {
  it('is given up at once where the broker refuses it, and no other is', () => {
    const { kept, told } = permissions();
    kept.refused('a', LOST);
    expect(kept.isGivenUp('a')).toBe(true);
    expect(kept.isGivenUp('b')).toBe(false);
    expect(told).toMatchObject([{ code: 'BROKER_TOPIC_DENIED', details: { field: 'a' } }]);
  });

  it('is given up when connections end at it twice in a row: once is an accident', () => {
    const { kept } = permissions();
    kept.dropped('a', LOST);
    expect(kept.isGivenUp('a')).toBe(false);
    kept.granted('a');
    kept.dropped('a', LOST);
    expect(kept.isGivenUp('a')).toBe(false);
    kept.dropped('a', LOST);
    expect(kept.isGivenUp('a')).toBe(true);
  });

  it('is not given up for all the messages that a single connection took with it', () => {
    const { kept } = permissions();
    const [first, second] = [{}, {}];
    for (let i = 0; i < 9; i++) kept.dropped('a', LOST, first);
    expect(kept.isGivenUp('a')).toBe(false);
    kept.dropped('a', LOST, second);
    expect(kept.isGivenUp('a')).toBe(true);
  });

  it('is not blamed for another program that takes the place of this one', () => {
    const { kept } = permissions();
    const taken = new SpikescopeError('BROKER_SESSION_TAKEN', 'taken');
    for (let i = 0; i < 9; i++) kept.dropped('a', taken);
    expect(kept.isGivenUp('a')).toBe(false);
  });

  it('is tried again after an hour, and told of once all the same', () => {
    const { kept, told, wait } = permissions();
    kept.refused('a', LOST);
    wait(HOUR - 1);
    expect(kept.isGivenUp('a')).toBe(true);
    wait(1);
    expect(kept.isGivenUp('a')).toBe(false);
    kept.refused('a', LOST);
    expect(kept.isGivenUp('a')).toBe(true);
    expect(told).toHaveLength(1);
  });
});

describe('connections that another program ends', () => {
  const early = { reason: LOST, hasAnswered: true, wasIdle: true, lasted: 500 } as const;

  it('are told by their pattern where the broker has no word for it', () => {
    const watch = new TakeoverWatch();
    const codes = [1, 2, 3, 4].map(() => watch.judge(early, 0).code);
    expect(codes).toEqual(['BROKER_LOST', 'BROKER_LOST', 'BROKER_SESSION_TAKEN', 'BROKER_SESSION_TAKEN']);
  });

  it.each([
    ['something unanswered at the end', { wasIdle: false }],
    ['a broker that answers nothing', { hasAnswered: false }],
    ['a long life', { lasted: 100_000 }],
  ] as const)('are not suspected with %s', (_, more) => {
    const watch = new TakeoverWatch();
    for (let i = 0; i < 9; i++) expect(watch.judge({ ...early, ...more }, 0).code).toBe('BROKER_LOST');
  });

  it('are still told when both programs pause for long between them', () => {
    const watch = new TakeoverWatch();
    for (let i = 0; i < 3; i++) watch.judge(early, 0);
    expect(watch.judge({ ...early, lasted: 110_000 }, 50_000).code).toBe('BROKER_SESSION_TAKEN');
  });
});
