/** What is installed, through any sequence of events, against rules that fit on a page. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import { Journal } from '../../../src/store/journal.ts';
import { Activation } from '../../../src/updates/install/activation.ts';
import { Installed, installedFile } from '../../../src/updates/install/installed.ts';
import { Installer } from '../../../src/updates/install/installer.ts';
import { activeOf, pendingOf } from '../../../src/updates/install/state.ts';
import {
  contentOf,
  fetchedRelease,
  installerOptions,
  OPERATION,
  proving,
} from '../../support/updates/releases.ts';

const CAPTURES = 3;

type Event =
  | { readonly type: 'install'; readonly number: number; readonly passes: boolean }
  | { readonly type: 'start' | 'kill' | 'capture' | 'end' | 'rollback' | 'activate' | 'lose' | 'spoil' };

/** What a person would write down: numbers of releases, 0 for what came with the program. */
class Book {
  serving = 0;
  waiting = 0;
  /** What served before; it serves again when a trial fails. */
  before = 0;
  /** What a step back from a good release leads to. */
  back = 0;
  isTrial = false;
  starts = 0;
  captures = 0;
  /** As many as are in the journal. */
  recorded = 0;
  newestGood = 0;
  readonly bad = new Set<number>();
  readonly spoilt = new Set<number>();
  /** With what the appliance runs; null while none does. */
  running: number | null = null;

  apply(event: Event): string {
    if (event.type === 'install') return this.install(event.number, event.passes);
    return this[event.type]();
  }

  install(number: number, passes: boolean): string {
    if (this.isTrial) return 'INSTALL_TRIAL_PENDING';
    if (number === this.serving || number === this.waiting) return 'there';
    if (number < this.newestGood) return 'INSTALL_OLDER';
    if (this.bad.has(number)) return 'INSTALL_REFUSED';
    // With something in use, there is one slot to write to.
    if (this.serving !== 0) this.waiting = 0;
    this.back = 0;
    this.spoilt.delete(number);
    if (passes) this.waiting = number;
    else this.bad.add(number);
    return passes ? 'pending' : 'PROOF_FAILED';
  }

  activate(): string {
    if (this.running !== null) return 'not now';
    return this.bringIn() ? 'done' : 'ACTIVATE_NOTHING';
  }

  start(): string {
    if (this.isTrial && this.starts >= 2) this.leave(true);
    this.bringIn();
    if (this.isTrial) this.starts++;
    this.recorded = this.captures;
    while (this.spoilt.has(this.serving)) this.leave(false);
    this.running = this.serving;
    return `reads with ${this.serving}`;
  }

  kill(): string {
    this.running = null;
    return 'done';
  }

  capture(): string {
    if (this.running === null || !this.isTrial || this.running !== this.serving) return 'done';
    if (++this.captures < CAPTURES) return 'done';
    this.isTrial = false;
    this.back = this.before;
    this.newestGood = Math.max(this.newestGood, this.serving);
    return 'done';
  }

  end(): string {
    if (this.running !== null && this.running === this.serving) this.starts = 0;
    this.recorded = this.captures;
    return this.kill();
  }

  rollback(): string {
    if (this.waiting !== 0) {
      this.waiting = 0;
      return 'done';
    }
    if (this.serving === 0) return 'ROLLBACK_NOTHING';
    this.leave(true);
    return 'done';
  }

  lose(): string {
    if (this.isTrial) this.captures = this.recorded;
    return 'done';
  }

  spoil(): string {
    if (this.serving !== 0) this.spoilt.add(this.serving);
    return 'done';
  }

  private bringIn(): boolean {
    if (this.waiting === 0) return false;
    this.before = this.serving;
    this.serving = this.waiting;
    this.waiting = 0;
    this.isTrial = true;
    this.starts = this.captures = this.recorded = 0;
    return true;
  }

  private leave(isBad: boolean): void {
    if (isBad) this.bad.add(this.serving);
    this.serving = this.isTrial ? this.before : this.back;
    this.isTrial = false;
    this.back = 0;
  }
}

/** The same with the program's own parts. */
class Scope {
  readonly data = mkdtempSync(path.join(root, 'data-'));
  readonly journal = Journal.open(path.join(this.data, 'journal.sqlite'));
  readonly installed = new Installed({ data: this.data, journal: this.journal, operation: OPERATION });
  running: Activation | null = null;

  async apply(event: Event): Promise<string> {
    try {
      return event.type === 'install'
        ? await this.install(event.number, event.passes)
        : await this[event.type]();
    } catch (error) {
      if (error instanceof SpikescopeError) return error.code;
      throw error;
    }
  }

  async install(number: number, passes: boolean): Promise<string> {
    const installer = new Installer(installerOptions(this.data, this.journal, proving(passes)));
    const { isNew } = await installer.install(fetchedRelease(this.data, number));
    return isNew ? 'pending' : 'there';
  }

  activation(): Activation {
    const { data, installed } = this;
    return new Activation({ data, installed, kinds: ['model'], goodCaptures: CAPTURES });
  }

  async activate(): Promise<string> {
    if (this.running !== null) return 'not now';
    await this.activation().activate();
    return 'done';
  }

  async start(): Promise<string> {
    this.running = this.activation();
    await this.running.beginStart();
    const file = await this.running.contentOf('model');
    if (file === null) return 'reads with 0';
    const content = readFileSync(file);
    return `reads with ${NUMBERS.find((number) => contentOf(number).equals(content))}`;
  }

  async kill(): Promise<string> {
    this.running = null;
    return 'done';
  }

  async capture(): Promise<string> {
    await this.running?.captureSucceeded();
    return 'done';
  }

  async end(): Promise<string> {
    await this.running?.orderlyEnd();
    return this.kill();
  }

  async rollback(): Promise<string> {
    await this.activation().rollback('model', 'somebody');
    return 'done';
  }

  async lose(): Promise<string> {
    const file = installedFile(this.data);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, '{"sha256":"');
    return 'done';
  }

  async spoil(): Promise<string> {
    const { active } = (await this.installed.read()).state.model;
    if (active !== null) {
      writeFileSync(path.join(this.data, `updates/slots/model-${active}/model.spikescope`), 'spoilt');
    }
    return 'done';
  }

  async look() {
    const { model } = (await this.installed.read()).state;
    const numberOf = (occupant: { version: string } | null) => Number(occupant?.version.split('.')[2] ?? 0);
    return {
      serving: numberOf(activeOf(model)),
      waiting: numberOf(pendingOf(model)),
      trial: model.trial && { starts: model.trial.starts, captures: model.trial.captures },
    };
  }
}

const NUMBERS = [1, 2, 3, 4, 5, 6];
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('install' as const),
      number: fc.constantFrom(...NUMBERS),
      passes: fc.constantFrom(true, true, true, false),
    }),
  },
  {
    weight: 10,
    arbitrary: fc
      .constantFrom<Exclude<Event['type'], 'install'>[]>(
        ...(['start', 'start', 'kill', 'capture', 'capture', 'capture', 'end'] as const),
        ...(['rollback', 'activate', 'lose', 'spoil'] as const),
      )
      .map((type) => ({ type })),
  },
);

/** By chance alone few releases would ever be confirmed. */
const episode: fc.Arbitrary<readonly Event[]> = fc.oneof(
  { weight: 6, arbitrary: event.map((one) => [one]) },
  {
    weight: 1,
    arbitrary: fc
      .constantFrom(...NUMBERS)
      .map((number): Event[] => [
        { type: 'install', number, passes: true },
        { type: 'start' },
        ...Array.from({ length: CAPTURES }, () => ({ type: 'capture' }) as const),
      ]),
  },
);

let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'activation-'));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('is what the rules say, after any sequence of events', { timeout: 300_000 }, async () => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(episode, { minLength: 5, maxLength: 30 }), async (episodes) => {
      const book = new Book();
      const scope = new Scope();
      try {
        for (const [index, each] of episodes.flat().entries()) {
          const place = `${index}: ${JSON.stringify(each)}`;
          const expected = book.apply(each);
          expect([place, await scope.apply(each)]).toEqual([place, expected]);
          reached.add(expected);
          if (book.newestGood > 0) reached.add('confirmed');
          if (each.type === 'rollback' && book.serving > 0) reached.add('back to a good one');
          expect([place, await scope.look()]).toEqual([
            place,
            {
              serving: book.serving,
              waiting: book.waiting,
              trial: book.isTrial ? { starts: book.starts, captures: book.captures } : null,
            },
          ]);
        }
        expect(scope.journal.verify()).toMatchObject({ sound: true });
      } finally {
        scope.journal.close();
        rmSync(scope.data, { recursive: true });
      }
    }),
    { numRuns: Number(process.env.SPIKESCOPE_SEQUENCES ?? 40), seed: 20_261_129 },
  );
  // The sequences have been everywhere.
  expect([...reached]).toEqual(
    expect.arrayContaining([
      ...['pending', 'there', 'PROOF_FAILED', 'INSTALL_TRIAL_PENDING', 'INSTALL_OLDER', 'INSTALL_REFUSED'],
      ...['ACTIVATE_NOTHING', 'ROLLBACK_NOTHING', 'reads with 0', 'confirmed', 'back to a good one'],
    ]),
  );
});
