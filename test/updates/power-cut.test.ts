/** A device whose power is cut, or which is killed, while it takes sticks: what it trusts is the state before or after. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyJournalFile } from '../../src/store/inspect.ts';
import { Journal } from '../../src/store/journal.ts';
import { FolderSource } from '../../src/updates/source/folder.ts';
import { KeptMetadata, updatesFolder } from '../../src/updates/trust/kept-metadata.ts';
import { Updates } from '../../src/updates/updates.ts';
import { anyCut, run, scramble } from '../support/power-cut/power-cut.ts';
import { canPreload } from '../support/preload.ts';
import { Random } from '../support/random.ts';
import { Office } from '../support/updates/office.ts';

/** The nightly run sets 1,000. Every second one is a power cut, the others are killed. */
const RUNS = Number(process.env.SPIKESCOPE_POWER_CUTS ?? 40);
const SEED = Number(process.env.SPIKESCOPE_POWER_SEED ?? 20_261_129);
const STICKS = 5;

let office: Office;
let folder: string;
let contents: Buffer[];
beforeAll(async () => {
  office = await Office.open();
  folder = mkdtempSync(path.join(tmpdir(), 'updates-cut-'));
  const random = new Random(SEED);
  contents = [];
  for (let number = 1; number <= STICKS; number++) {
    contents.push(Buffer.from(random.bytes(150_000)));
    await office.add(contents[number - 1], `1.0.${number}`);
    await office.publish();
    await office.stick(`sticks/${number}`);
  }
});
afterAll(() => {
  office.end();
  rmSync(folder, { recursive: true, force: true });
});

const sticks = () => path.join(office.folder, 'sticks');
const stick = (number: number) => new FolderSource(path.join(sticks(), String(number)));

/** Looks at what is left, without having done anything. @returns the timestamp that is trusted; 0 for none */
async function trustedIn(data: string): Promise<number> {
  const found = await new KeptMetadata(updatesFolder(data)).read();
  // Old or new, and never something between.
  expect(found).not.toHaveProperty('lost', 'it is damaged');
  if (found.kept === null) return 0;
  const file = path.join(data, 'journal.sqlite');
  expect(verifyJournalFile(file, null, found.kept.journal)).toMatchObject({ sound: true });
  const timestamp = found.kept.roles.get('timestamp');
  return timestamp === undefined ? 0 : JSON.parse(Buffer.from(timestamp).toString()).signed.version;
}

async function use(data: string, number: number): Promise<{ outcome: string; bytes?: Buffer }> {
  const journal = Journal.open(path.join(data, 'journal.sqlite'));
  const root = readFileSync(path.join(sticks(), '1/metadata/1.root.json'));
  const updates = await Updates.open({ data, journal, root, by: 'test' });
  try {
    const result = await updates.use(stick(number), async (repository) =>
      readFileSync(await repository.fetch(await repository.target(`stable/model-1.0.${number}.bin`))),
    );
    return result.outcome === 'trusted' ? { outcome: 'trusted', bytes: result.result } : result;
  } finally {
    updates.close();
    journal.close();
  }
}

it.skipIf(!canPreload())(
  `trusts the old or the new and never less than it said, in ${RUNS} runs`,
  { timeout: 120_000 + 20_000 * RUNS },
  async () => {
    const random = new Random(SEED);
    const cuts = { kill: 0, power: 0 };
    for (let i = 0; i < RUNS; i++) {
      const data = path.join(folder, `data-${i}`);
      mkdirSync(data);
      const work = {
        module: path.resolve('test/support/power-cut/updates.mjs'),
        environment: { WORKLOAD_DATA: data, WORKLOAD_STICKS: sticks(), WORKLOAD_COUNT: String(STICKS) },
        folder: data,
      };
      let said = 0;
      // Twice: what the first left is what the second begins with.
      for (const kind of i % 2 === 0 ? (['power', 'power'] as const) : (['kill', 'power'] as const)) {
        const { lines, wasCut } = await run(work, anyCut(kind, random, { changes: 220, milliseconds: 400 }));
        if (wasCut) cuts[kind]++;
        scramble(path.join(data, 'journal.sqlite-shm'), random);
        for (const line of lines)
          if (line.startsWith('trusted')) said = Math.max(said, Number(line.split(' ')[1]));
        expect(await trustedIn(data)).toBeGreaterThanOrEqual(said);
      }
      const trusted = await trustedIn(data);
      if (trusted > 1) expect(await use(data, trusted - 1)).toMatchObject({ outcome: 'older' });
      const { outcome, bytes } = await use(data, STICKS);
      expect(outcome).toBe('trusted');
      expect(bytes?.equals(contents[STICKS - 1])).toBe(true);
      rmSync(data, { recursive: true });
    }
    expect(cuts.power).toBeGreaterThan(RUNS / 2);
    process.stdout.write(`updates: ${cuts.power} power cuts and ${cuts.kill} kills, all with old or new\n`);
  },
);
