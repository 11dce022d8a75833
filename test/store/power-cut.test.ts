import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import type { ModelBundle } from '../../src/model/bundle/bundle.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import { DEFAULT_MODEL } from '../../src/runtime/engine/shipped-models.ts';
import { HeadLearner } from '../../src/runtime/learning/learner.ts';
import { verifyJournalFile } from '../../src/store/inspect.ts';
import { Journal } from '../../src/store/journal.ts';
import type { ChainHead } from '../../src/store/verify.ts';
import { type Listener, listenTo } from '../support/listener.ts';
import { hasMosquitto, type Mosquitto, startMosquitto } from '../support/mosquitto.ts';
import { anyCut, run, scramble, type Workload } from '../support/power-cut/power-cut.ts';
import { canPreload } from '../support/preload.ts';
import { Random } from '../support/random.ts';

/** The nightly run sets 1,000. Every second one is a power cut, the others are killed. */
const RUNS = Number(process.env.SPIKESCOPE_POWER_CUTS ?? 40);
/** A journal that grew for ever would make each look at it slower than the run. */
const RUNS_PER_JOURNAL = 25;
const SEED = Number(process.env.SPIKESCOPE_POWER_SEED ?? 20_261_121);

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'power-cut-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function workload(name: string, environment: Record<string, string>): Workload {
  const data = path.join(folder, 'data');
  mkdirSync(data, { recursive: true });
  return {
    module: path.resolve(`test/support/power-cut/${name}.mjs`),
    environment: { WORKLOAD_DATA: data, ...environment },
    folder: data,
  };
}

describe.skipIf(!canPreload())('the cut itself', () => {
  /** Rows that a workload had reported and that were gone after the cut, over several cuts. */
  async function lost(synchronous: string): Promise<number> {
    const random = new Random(SEED);
    let gone = 0;
    for (let i = 0; i < 6; i++) {
      const work = workload('sqlite', { WORKLOAD_SYNCHRONOUS: synchronous });
      const { lines } = await run(work, { kind: 'power', at: random.integer(100, 600), seed: i });
      scramble(path.join(work.folder, 'rows.sqlite-shm'), random);
      const database = new Database(path.join(work.folder, 'rows.sqlite'));
      const exists = database.prepare("SELECT 1 FROM sqlite_schema WHERE name = 'rows'").get() !== undefined;
      const kept = new Set(exists ? database.prepare('SELECT number FROM rows').pluck().all() : []);
      database.close();
      gone += lines.filter((line) => !kept.has(Number(line.split(' ')[1]))).length;
      rmSync(work.folder, { recursive: true });
    }
    return gone;
  }

  it('takes away what was not flushed, and leaves what was', async () => {
    expect(await lost('FULL')).toBe(0);
    expect(await lost('NORMAL')).toBeGreaterThan(0);
  });
});

describe.skipIf(!canPreload() || !hasMosquitto)('an appliance whose power is cut', () => {
  let broker: Mosquitto;
  let listener: Listener;
  let bundle: ModelBundle;
  let factoryHead: string;
  beforeAll(async () => {
    bundle = await readBundle(DEFAULT_MODEL);
    const untouched = mkdtempSync(path.join(tmpdir(), 'power-cut-'));
    const journal = Journal.open(path.join(untouched, 'journal.sqlite'));
    factoryHead = await headOf(untouched, journal, []);
    journal.close();
    rmSync(untouched, { recursive: true });
    broker = await startMosquitto({ configuration: ['allow_anonymous true', 'max_queued_messages 0'] });
    listener = await listenTo(broker.url);
  });
  afterAll(async () => {
    await listener.close();
    await broker.stop();
  });

  /** The head that the appliance of this folder would read with now. */
  async function headOf(data: string, journal: Journal, setAside: string[]): Promise<string> {
    const learner = await HeadLearner.open(bundle, {
      folder: data,
      journal,
      onSetAside: ({ code }) => setAside.push(code),
    });
    if (learner === null) throw new Error('the model that ships can learn');
    return learner.digest;
  }

  /** What must hold after each run, with all that was promised in the runs before it. */
  class Ledger {
    readonly #work: Workload;
    readonly #accepted = new Set<string>();
    readonly #labelled = new Set<string>();
    #head = factoryHead;
    /** Updates, kept or rolled back, and what took some back. */
    changes = 0;
    /** All that were received, withdrawals too. */
    verdicts = 0;
    #witnessed: ChainHead | undefined;
    #document = 0;

    constructor(work: Workload) {
      this.#work = work;
    }

    take(lines: readonly string[]): void {
      for (const line of lines) {
        const [what, value] = line.split(' ');
        if (what === 'recorded') this.#accepted.add(value);
        if (what === 'labelled') this.#labelled.add(value);
        if (what === 'head') this.#head = value;
        if (what === 'document') this.#document = Number(value);
      }
    }

    async check(): Promise<void> {
      const file = path.join(this.#work.folder, 'journal.sqlite');
      // The end of the chain that is kept beside the journal is never ahead of it.
      if (existsSync(file)) expect(verifyJournalFile(file)).toMatchObject({ sound: true });
      const journal = Journal.open(file);
      try {
        const verification = journal.verify(this.#witnessed);
        expect(verification).toMatchObject({ sound: true });
        this.#witnessed = journal.head();
        const missing = [...this.#accepted].filter((id) => journal.payloadOf(id) === null);
        expect(missing).toEqual([]);
        const captures = path.join(this.#work.folder, 'captures.json');
        const stored = existsSync(captures) ? JSON.parse(readFileSync(captures, 'utf8')).captures : 0;
        expect(stored).toBeGreaterThanOrEqual(this.#document);
        await this.#checkHead(journal);
      } finally {
        journal.close();
      }
    }

    /**
     * The head is that of before an update or of after it, the journal says which, with the label that led to it, and every
     * result names the head that the journal had come to when it was read.
     */
    async #checkHead(journal: Journal): Promise<void> {
      const setAside: string[] = [];
      const digest = await headOf(this.#work.folder, journal, setAside);
      expect(setAside).toEqual([]);
      const changes: { before: string; after: string }[] = [];
      const labels = new Map<string, string>();
      let head = factoryHead;
      for (const { kind, caseId, payload } of journal.records()) {
        const said = JSON.parse(payload);
        if (kind === 'reading') expect(said.head ?? head).toBe(head);
        if (kind === 'label') labels.set(caseId, said.verdict);
        if (kind !== 'update' && kind !== 'undo') continue;
        expect(said.before).toBe(head);
        if (kind === 'update') expect(labels.get(caseId)).toMatch(/^(confirmed|corrected)$/);
        else expect(labels.get(caseId)).toBe('withdrawn');
        changes.push(said);
        head = said.after;
      }
      expect(digest).toBe(head);
      expect([...this.#labelled].filter((id) => !labels.has(id))).toEqual([]);
      // Where an update was under way, it was made from what was told last.
      if (digest !== this.#head) expect(changes.at(-1)?.before).toBe(this.#head);
      this.#head = digest;
      this.changes = changes.length;
    }

    /** Runs to the end without a cut and expects everything to have come, each result once, as it stands in the journal. */
    async conclude(): Promise<number> {
      const work = { ...this.#work, environment: { ...this.#work.environment, WORKLOAD_COUNT: '1' } };
      const { lines } = await run(work);
      expect(lines.at(-1)).toBe('settled');
      this.take(lines);
      await this.check();
      const journal = Journal.open(path.join(this.#work.folder, 'journal.sqlite'));
      const entries = [...journal.entries()];
      const verdicts = [...journal.labels()].map(({ payload }) => payload);
      expect(journal.depth()).toBe(0);
      journal.close();
      const last = entries[entries.length - 1];
      await listener.first(({ payload }) => payload === last.payload, 'the last result');
      const received = resultsReceived();
      for (const { id, payload } of entries) expect(received.get(id)).toBe(payload);
      expect([...this.#accepted].every((id) => received.has(id))).toBe(true);
      const said = new Set(listener.heard.map(({ payload }) => payload));
      expect(verdicts.filter((payload) => !said.has(payload))).toEqual([]);
      this.verdicts = verdicts.length;
      return entries.length;
    }
  }

  /** Payload by identifier; the same result never comes with other bytes, nor under another identifier. */
  function resultsReceived(): Map<string, string> {
    const byId = new Map<string, string>();
    const byContent = new Map<string, string>();
    for (const { topic, payload } of listener.heard) {
      if (!topic.endsWith('/result')) continue;
      const { id, ...content } = JSON.parse(payload);
      expect(byId.get(id) ?? payload).toBe(payload);
      const key = JSON.stringify(content);
      expect(byContent.get(key) ?? id).toBe(id);
      byId.set(id, payload);
      byContent.set(key, id);
    }
    return byId;
  }

  it(`loses no result that it has accepted, in ${RUNS} runs`, {
    timeout: 120_000 + 20_000 * RUNS,
  }, async () => {
    const random = new Random(SEED);
    const cuts = { kill: 0, power: 0 };
    let results = 0;
    let changes = 0;
    let verdicts = 0;
    for (let done = 0; done < RUNS; done += RUNS_PER_JOURNAL) {
      const ledger = new Ledger(
        workload('appliance', { WORKLOAD_BROKER: broker.url, WORKLOAD_SEED: String(done) }),
      );
      for (let i = done; i < Math.min(RUNS, done + RUNS_PER_JOURNAL); i++) {
        const kind = i % 2 === 0 ? 'power' : 'kill';
        const cut = anyCut(kind, random, { changes: 1500, milliseconds: 1500 });
        const work = workload('appliance', { WORKLOAD_BROKER: broker.url, WORKLOAD_SEED: String(i) });
        const { lines, wasCut } = await run(work, cut);
        if (wasCut) cuts[kind]++;
        ledger.take(lines);
        if (i % 25 === 24) process.stderr.write(`power cut: ${i + 1} of ${RUNS} runs\n`);
        if (kind === 'power') scramble(path.join(work.folder, 'journal.sqlite-shm'), random);
        await ledger.check();
      }
      results += await ledger.conclude();
      changes += ledger.changes;
      verdicts += ledger.verdicts;
      rmSync(path.join(folder, 'data'), { recursive: true });
    }
    expect(cuts.kill + cuts.power).toBe(RUNS);
    expect(changes).toBeGreaterThan(0);
    expect(verdicts).toBeGreaterThan(0);
    const counts = `${results} results, ${verdicts} verdicts, ${changes} changes of the head`;
    process.stdout.write(`power cut: ${cuts.power} of ${RUNS}, ${counts}, none lost\n`);
  });
});
