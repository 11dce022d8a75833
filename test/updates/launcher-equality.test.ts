/** The launcher has its own few rules of what is installed, since it may rely on no application: they are the same. */
import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import { factoryState, type KindState, stateSchema } from '../../src/updates/install/state.ts';
import * as rules from '../../src/updates/install/transitions.ts';

const TIME = '2026-01-01T00:00:00.000Z';
const stepSchema = z.custom<(application: KindState, words: string) => KindState>(
  (value) => typeof value === 'function',
);
const launcher = z
  .object({
    readState: z.custom<(data: string) => unknown>((value) => typeof value === 'function'),
    ...{ activated: stepSchema, fallenBack: stepSchema, damaged: stepSchema },
  })
  .parse(await import(path.resolve('bin/spikescope-launch.mjs')));

const occupantOf = (letter: string, refused: string | null, isConfirmed: boolean) => ({
  ...{ target: 't', role: 'r', name: 'n', version: '1.0.0', kind: 'application', hash: letter.repeat(64) },
  ...{ length: 1, change: '', notes: '', learning: null, proof: null, installedAt: TIME },
  ...{ confirmedAt: isConfirmed ? TIME : null, refused },
});

const SLOTS = [null, 'a', 'b'];
const PREVIOUS = [undefined, ...SLOTS];
const REFUSALS = [[], [{ hash: 'a'.repeat(64), reason: 'x' }], Array.from({ length: 32 }, refusalOf)];

function refusalOf(_: unknown, index: number) {
  return { hash: String(index % 10).repeat(64), reason: `${index}` };
}

/** All values of several lists, with each other. */
function* combined(...lists: readonly (readonly unknown[])[]): Generator<unknown[]> {
  const [first, ...others] = lists;
  if (first === undefined) {
    yield [];
    return;
  }
  for (const value of first) for (const rest of combined(...others)) yield [value, ...rest];
}

it('relies on the same states, and goes from each to the same', { timeout: 300_000 }, () => {
  const data = mkdtempSync(path.join(tmpdir(), 'launcher-'));
  mkdirSync(path.join(data, 'updates'));
  const counted = { all: 0, sound: 0 };
  const refused = [null, 'bad'];
  const flags = [true, false];
  const lists = [SLOTS, SLOTS, PREVIOUS, ['a', 'b'], refused, refused, flags, flags, flags, [0, 2], REFUSALS];
  for (const [
    active,
    pending,
    previous,
    slot,
    ofA,
    ofB,
    isConfirmed,
    hasA,
    hasB,
    starts,
    refusals,
  ] of combined(...lists)) {
    const trial = previous === undefined ? null : { slot, previous, starts, captures: 1, since: TIME };
    const reason = z.string().nullable();
    const slots = {
      a: hasA === true ? occupantOf('a', reason.parse(ofA), isConfirmed === true) : null,
      b: hasB === true ? occupantOf('b', reason.parse(ofB), isConfirmed === true) : null,
    };
    const application = { active, slots, pending, trial, confirmed: [], refusals };
    const state = { ...factoryState(), revision: 3, application };
    const content = JSON.stringify(state);
    const sha256 = createHash('sha256').update(content).digest('hex');
    writeFileSync(path.join(data, 'updates/installed.json'), JSON.stringify({ sha256, content }));
    const parsed = stateSchema.safeParse(state);
    expect(launcher.readState(data) !== null, content).toBe(parsed.success);
    counted.all++;
    if (!parsed.success) continue;
    counted.sound++;
    const one = parsed.data.application;
    expect(launcher.fallenBack(one, 'why')).toEqual(rules.fallenBack(one, 'why'));
    expect(launcher.damaged(one, '')).toEqual(rules.damaged(one));
    if (pending !== null) expect(launcher.activated(one, TIME)).toEqual(rules.activated(one, TIME));
  }
  rmSync(data, { recursive: true, force: true });
  expect(counted.sound).toBeGreaterThan(counted.all / 100);
});
