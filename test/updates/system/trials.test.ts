/** Systems that come into use and out of it again, through any sequence of events, against rules that fit on a page. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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
import { carryOut, endTrial } from '../../../src/updates/system/carry-out.ts';
import { request, requestFile } from '../../../src/updates/system/places.ts';
import { proveSystem } from '../../../src/updates/system/prove-system.ts';
import { systemSlots } from '../../../src/updates/system/system-slots.ts';
import { beginSystemStart } from '../../../src/updates/system/system-start.ts';
import { releaseOf } from '../../support/updates/office.ts';
import { OPERATION } from '../../support/updates/releases.ts';
import { type Letter, packSystem, SlotMachine, smallSystem } from '../../support/updates/systems.ts';

/** Sequences: each event is on the medium when it has happened, so that they take their time. */
const RUNS = Number(process.env.SPIKESCOPE_SEQUENCES ?? 40) / 2;
const CAPTURES = 3;
const NUMBERS = [1, 2, 3, 4, 5, 6] as const;
/** Its kernel panics, or hangs until the watchdog bites. */
const PANICS = 3;
/** It starts, and its appliance never gives a reading. */
const AILS = 4;
/** Its root hash is not that of its tree. */
const WRONG = 5;

type Event =
  | { readonly type: 'install'; readonly number: number }
  | { readonly type: 'start' | 'cut' | 'capture' | 'deadline' | 'rollback' | 'lose' | 'spoil' };

/** What a person would write down: numbers of systems, 0 for the one that came with the device. */
class Book {
  runs = 0;
  /** What an ordinary start takes. */
  committed = 0;
  /** What is to be in use; null where nothing that was installed is any more. */
  serving: number | null = null;
  waiting: number | null = null;
  trial: { readonly before: number | null; starts: number } | null = null;
  captures = 0;
  newestGood = 0;
  /** What lies in the slot that does not run. */
  beside: number | null = null;
  /** What was found bad is not installed again; what lies in a slot as bad is nothing to go back to. */
  readonly bad = new Set<number>();
  readonly refused = new Set<number>();
  readonly good = new Set<number>([0]);
  readonly spoilt = new Set<number>();

  apply(event: Event): string {
    return event.type === 'install' ? this.install(event.number) : this[event.type]();
  }

  install(number: number): string {
    if (this.trial !== null) return 'INSTALL_TRIAL_PENDING';
    if (number === this.serving || number === this.waiting) return 'there';
    // Where the books name none, what runs counts.
    const floor = this.serving === null ? Math.max(this.newestGood, this.runs) : this.newestGood;
    if (number < floor) return 'INSTALL_OLDER';
    if (this.bad.has(number)) return 'INSTALL_REFUSED';
    // The books name another system than the one that runs: a start settles that first.
    if (this.serving !== null && this.serving !== this.runs) return 'SYSTEM_SLOT';
    if (this.serving === null) {
      this.refused.delete(this.runs);
      this.good.add(this.runs);
      this.newestGood = floor;
    }
    this.serving = this.runs;
    this.beside = number;
    this.spoilt.delete(number);
    this.refused.delete(number);
    this.waiting = number === WRONG ? null : number;
    if (number === WRONG) this.find(number);
    return number === WRONG ? 'PROOF_FAILED' : 'pending';
  }

  /** The appliance starts, and whatever it asks for is carried out, until it serves. */
  start(): string {
    for (;;) {
      if (this.trial !== null && this.serving !== null) {
        if (this.serving === this.runs) break;
        if (this.trial.starts === 2) this.leave();
        else {
          this.trial.starts++;
          this.boot(this.serving);
        }
      } else if (this.waiting !== null) {
        this.try(this.waiting);
        this.waiting = null;
      } else if (this.serving !== null && this.serving !== this.runs) this.try(this.serving);
      else {
        if (this.serving === this.runs) this.committed = this.runs;
        break;
      }
    }
    return `runs ${this.runs}`;
  }

  cut(): string {
    this.boot(this.committed);
    return this.start();
  }

  capture(): string {
    if (this.trial === null || this.serving !== this.runs || this.runs === AILS) return 'done';
    if (++this.captures < CAPTURES) return 'done';
    this.trial = null;
    this.newestGood = Math.max(this.newestGood, this.runs);
    this.good.add(this.runs);
    this.committed = this.runs;
    return 'done';
  }

  deadline(): string {
    if (this.runs === this.committed) return 'in order';
    this.boot(this.committed);
    return this.start();
  }

  rollback(): string {
    if (this.waiting !== null) {
      this.waiting = null;
      return 'done';
    }
    if (this.serving === null || this.before() === null) return 'ROLLBACK_NOTHING';
    this.leave();
    return 'done';
  }

  lose(): string {
    if (this.trial !== null) this.captures = 0;
    return 'done';
  }

  spoil(): string {
    if (this.waiting !== null) this.spoilt.add(this.waiting);
    return 'done';
  }

  private try(number: number): void {
    this.trial = { before: this.refused.has(this.runs) ? null : this.runs, starts: 0 };
    this.serving = number;
    this.captures = 0;
  }

  private leave(): void {
    const number = this.serving ?? 0;
    this.serving = this.before();
    this.trial = null;
    this.find(number);
  }

  private find(number: number): void {
    this.bad.add(number);
    this.refused.add(number);
  }

  /** What serves again when what serves is given up. */
  private before(): number | null {
    if (this.trial !== null) return this.trial.before;
    const other = this.serving === this.runs ? this.beside : this.runs;
    return other === null || this.refused.has(other) || !this.good.has(other) ? null : other;
  }

  private boot(number: number): void {
    const boots = number !== PANICS && !this.spoilt.has(number);
    const next = boots ? number : this.committed;
    if (next === this.runs) return;
    this.beside = this.runs;
    this.runs = next;
  }
}

/** The same with the program's own parts, on a machine whose firmware is played. */
class Scope {
  readonly folder = mkdtempSync(path.join(root, 'machine-'));
  readonly machine = new SlotMachine(this.folder, SYSTEMS[0]);
  readonly data = this.machine.data;
  readonly journal = Journal.open(path.join(this.data, 'journal.sqlite'));
  readonly installed = new Installed({ data: this.data, journal: this.journal, operation: OPERATION });
  activation = this.newActivation();

  async apply(event: Event): Promise<string> {
    try {
      return event.type === 'install' ? await this.install(event.number) : await this[event.type]();
    } catch (error) {
      if (error instanceof SpikescopeError) return error.code;
      throw error;
    }
  }

  async install(number: number): Promise<string> {
    const { data, journal, machine } = this;
    const content = readFileSync(ARCHIVES[number]);
    const file = path.join(this.folder, 'fetched');
    writeFileSync(file, content);
    const name = `stable/spikescope-system-1.0.${number}.system`;
    const hashes = new Map([['sha256', createHash('sha256').update(content).digest('hex')]] as const);
    const target = { name, length: content.length, hashes, place: [], keys: [], role: 'stable', custom: {} };
    const release = releaseOf(`1.0.${number}`, { kind: 'system', name: 'spikescope-system' });
    const system = systemSlots(data, machine.places);
    if (system === null) throw new Error('no slots');
    const prove = (candidate: Parameters<typeof proveSystem>[0]) =>
      proveSystem(candidate, { data, places: machine.places, onStep: () => {} });
    const installer = new Installer({ data, journal, operation: OPERATION, system, prove });
    const { isNew } = await installer.install({ target, release, file });
    return isNew ? 'pending' : 'there';
  }

  async start(): Promise<string> {
    const { data, installed, machine } = this;
    for (;;) {
      const standing = await beginSystemStart({ data, installed, places: machine.places });
      await this.carryOut();
      if (standing === 'restarts') continue;
      this.activation = this.newActivation();
      if (standing === 'on-trial') await this.activation.adopt('system');
      return `runs ${this.numberIn(machine.running)}`;
    }
  }

  async cut(): Promise<string> {
    this.boot(false);
    return this.start();
  }

  async capture(): Promise<string> {
    if (this.numberIn(this.machine.running) !== AILS) await this.activation.captureSucceeded();
    await this.carryOut();
    return 'done';
  }

  async deadline(): Promise<string> {
    return (await endTrial({ places: this.machine.places, rights: this.rights })) ? this.start() : 'in order';
  }

  async rollback(): Promise<string> {
    await this.newActivation().rollback('system', 'somebody');
    return 'done';
  }

  async lose(): Promise<string> {
    mkdirSync(path.dirname(installedFile(this.data)), { recursive: true });
    writeFileSync(installedFile(this.data), '{"sha256":"');
    return 'done';
  }

  async spoil(): Promise<string> {
    const { pending } = (await this.installed.read()).state.system;
    if (pending !== null && this.numberIn(pending) !== null) this.machine.flip('root', pending, 4_711);
    return 'done';
  }

  async look() {
    const { system } = (await this.installed.read()).state;
    const numberOf = (occupant: { version: string } | null) =>
      occupant === null ? null : Number(/^1\.0\.(\d)$/.exec(occupant.version)?.[1] ?? 0);
    return {
      runs: this.numberIn(this.machine.running),
      committed: this.numberIn(this.machine.firmware(false)),
      serving: numberOf(activeOf(system)),
      waiting: numberOf(pendingOf(system)),
      trial: system.trial && { starts: system.trial.starts, captures: system.trial.captures },
    };
  }

  private newActivation(): Activation {
    const { data, installed } = this;
    const confirmed = () => request(data, 'commit');
    return new Activation({
      data,
      installed,
      kinds: [],
      others: ['system'],
      goodCaptures: CAPTURES,
      confirmed,
    });
  }

  private async carryOut(): Promise<void> {
    const { data, machine } = this;
    await carryOut({ data, places: machine.places, rights: this.rights, shown: this.folder });
    expect(existsSync(requestFile(data))).toBe(false);
  }

  private get rights() {
    return {
      withWritable: (_: string, work: () => Promise<void>) => work(),
      restart: async (argument: string | null) => this.boot(argument === '0 tryboot'),
    };
  }

  /** The firmware forgets its flag before it starts anything; what does not start is followed by an ordinary start. */
  private boot(isOneShot: boolean): void {
    const slot = this.machine.firmware(isOneShot);
    const number = this.numberIn(slot);
    const boots = number !== null && number !== PANICS;
    if (!boots && !isOneShot) throw new Error(`slot ${slot}, which starts take, does not start`);
    const running = boots ? slot : this.machine.firmware(false);
    this.machine.start(running);
    const version = this.numberIn(running) === 0 ? '0.9.0' : `1.0.${this.numberIn(running)}`;
    writeFileSync(this.machine.places.release, `IMAGE_ID=spikescope-system\nIMAGE_VERSION=${version}\n`);
  }

  /** Of the system that lies whole in a slot; null where none does. */
  private numberIn(slot: Letter): number | null {
    const found = SYSTEMS.findIndex((system) => this.machine.holds(slot, system));
    return found < 0 ? null : found;
  }
}

const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ type: fc.constant('install' as const), number: fc.constantFrom(...NUMBERS) }),
  },
  {
    weight: 9,
    arbitrary: fc
      .constantFrom<Exclude<Event['type'], 'install'>[]>(
        ...([
          'start',
          'start',
          'cut',
          'capture',
          'capture',
          'deadline',
          'rollback',
          'lose',
          'spoil',
        ] as const),
      )
      .map((type) => ({ type })),
  },
);

const confirmed = (number: number): Event[] => [
  { type: 'install', number },
  { type: 'start' },
  ...Array.from({ length: CAPTURES }, () => ({ type: 'capture' }) as const),
];

/** By chance alone few systems would ever be confirmed, and fewer taken back. */
const episode: fc.Arbitrary<readonly Event[]> = fc.oneof(
  { weight: 5, arbitrary: event.map((one) => [one]) },
  { weight: 1, arbitrary: fc.constantFrom(...NUMBERS).map(confirmed) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(fc.constantFrom(...NUMBERS), event)
      .map(([number, then]): Event[] => [...confirmed(number), { type: 'rollback' }, then]),
  },
);

const SYSTEMS = [0, ...NUMBERS].map((number) =>
  smallSystem(number, {
    ...(number === WRONG && { rootHash: 'f'.repeat(64) }),
    ...{ bootBytes: 8_192, dataBytes: 65_536 },
  }),
);
let ARCHIVES: string[];
let root: string;
beforeAll(() => {
  root = mkdtempSync(path.join(tmpdir(), 'trials-'));
  ARCHIVES = SYSTEMS.map((system, number) => packSystem(root, `${number}.system`, system));
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

it('runs what the rules say, after any sequence of events', {
  timeout: 120_000 + 10_000 * RUNS,
}, async () => {
  const reached = new Set<string>();
  await fc.assert(
    fc.asyncProperty(fc.array(episode, { minLength: 4, maxLength: 16 }), async (episodes) => {
      const book = new Book();
      const scope = new Scope();
      try {
        for (const [index, each] of episodes.flat().entries()) {
          const place = `${index}: ${JSON.stringify(each)}`;
          const expected = book.apply(each);
          expect([place, await scope.apply(each)]).toEqual([place, expected]);
          reached.add(expected);
          const { runs, committed, serving, waiting, trial, captures } = book;
          expect([place, await scope.look()]).toEqual([
            place,
            { runs, committed, serving, waiting, trial: trial && { starts: trial.starts, captures } },
          ]);
          // Whatever happens: a power cut leads to a system that is whole and was found good.
          expect(book.good.has(committed)).toBe(true);
        }
        expect(scope.journal.verify()).toMatchObject({ sound: true });
      } finally {
        scope.journal.close();
        rmSync(scope.folder, { recursive: true });
      }
    }),
    { numRuns: RUNS, seed: 20_261_129 },
  );
  expect([...reached]).toEqual(
    expect.arrayContaining([
      ...['pending', 'there', 'PROOF_FAILED', 'INSTALL_TRIAL_PENDING', 'INSTALL_OLDER', 'INSTALL_REFUSED'],
      ...['ROLLBACK_NOTHING', 'in order', 'runs 0', 'runs 1', 'runs 2', 'runs 6', 'SYSTEM_SLOT'],
    ]),
  );
});
