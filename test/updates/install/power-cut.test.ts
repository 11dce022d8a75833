/** A device whose power is cut, or which is killed, while it installs: it starts with what was before or after, whole. */
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDeviceJournal } from '../../../src/store/device-journal.ts';
import { verifyJournalFile } from '../../../src/store/inspect.ts';
import { Activation } from '../../../src/updates/install/activation.ts';
import { Installed } from '../../../src/updates/install/installed.ts';
import { activeOf } from '../../../src/updates/install/state.ts';
import { anyCut, run, scramble } from '../../support/power-cut/power-cut.ts';
import { canPreload } from '../../support/preload.ts';
import { Random } from '../../support/random.ts';
import { Office } from '../../support/updates/office.ts';
import { contentOf, OPERATION } from '../../support/updates/releases.ts';

/** Devices. A nightly run sets 1,000. Each is cut twice; of the first cuts every second one is a kill, all others tear. */
const RUNS = Number(process.env.SPIKESCOPE_POWER_CUTS ?? 30);
const SEED = Number(process.env.SPIKESCOPE_POWER_SEED ?? 20_261_129);
const STICKS = 4;
/** The release whose starts fail; the one after it fails its proof. */
const FAILING = 2;
/** What a run without a cut changes on the medium. */
const CHANGES = 740;

let office: Office;
let folder: string;
beforeAll(async () => {
  office = await Office.open();
  folder = mkdtempSync(path.join(tmpdir(), 'install-cut-'));
  for (let number = 1; number <= STICKS; number++) {
    await office.add(contentOf(number), `1.0.${number}`);
    await office.publish();
    await office.stick(`sticks/${number}`);
  }
});
afterAll(() => {
  office.end();
  rmSync(folder, { recursive: true, force: true });
});

/** The next start. @returns the release that it reads with, whole; 0 for what came with the program */
async function startsWith(data: string): Promise<number> {
  const { journal, fault } = openDeviceJournal(data);
  expect(fault).toBeNull();
  try {
    const installed = new Installed({ data, journal, operation: OPERATION });
    const activation = new Activation({ data, installed, kinds: ['model'] });
    await activation.beginStart();
    const file = await activation.contentOf('model');
    await activation.orderlyEnd();
    const content = file === null ? null : readFileSync(file);
    const number =
      content === null
        ? 0
        : Array.from({ length: STICKS }, (_, i) => i + 1).find((each) => contentOf(each).equals(content));
    if (number === undefined) throw new Error('it reads with something that is no release');
    const occupant = activeOf((await installed.read()).state.model);
    expect(occupant === null ? 0 : Number(occupant.version.split('.')[2])).toBe(number);
    if (occupant !== null) expect(occupant.proof).toMatchObject({ passed: true });
    expect(journal.verify()).toMatchObject({ sound: true });
    return number;
  } finally {
    journal.close();
  }
}

const numbersIn = (lines: readonly string[], word: string) =>
  lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(' ')[1]));

it.skipIf(!canPreload())(
  `starts with old or new, and the journal verifies, on ${RUNS} devices`,
  { timeout: 120_000 + 20_000 * RUNS },
  async () => {
    const random = new Random(SEED);
    const cuts = { kill: 0, power: 0 };
    const served = new Set<number>();
    for (let i = 0; i < RUNS; i++) {
      const data = path.join(folder, `data-${i}`);
      mkdirSync(data);
      const work = {
        module: path.resolve('test/support/power-cut/install.mjs'),
        environment: {
          ...{ WORKLOAD_DATA: data, WORKLOAD_STICKS: path.join(office.folder, 'sticks') },
          ...{ WORKLOAD_COUNT: String(STICKS), WORKLOAD_FAILING: String(FAILING) },
        },
        folder: data,
      };
      let confirmed = 0;
      for (const kind of i % 2 === 0 ? (['power', 'power'] as const) : (['kill', 'power'] as const)) {
        const { lines, wasCut } = await run(
          work,
          anyCut(kind, random, { changes: CHANGES, milliseconds: 900 }),
        );
        if (wasCut) cuts[kind]++;
        scramble(path.join(data, 'journal.sqlite-shm'), random);
        confirmed = Math.max(confirmed, ...numbersIn(lines, 'confirmed'));
        const journal = path.join(data, 'journal.sqlite');
        if (existsSync(journal)) expect(verifyJournalFile(journal)).toMatchObject({ sound: true });
        // Cut before its journal was on the medium: then it had nothing to answer for.
        else expect(lines.filter((line) => line !== 'reads 0')).toEqual([]);
      }
      const number = await startsWith(data);
      served.add(number);
      // Nothing that was confirmed is lost, nothing unproven serves.
      expect(number).toBeGreaterThanOrEqual(confirmed);
      expect(number).not.toBe(FAILING + 1);
      rmSync(data, { recursive: true });
    }
    expect(cuts.power).toBeGreaterThan(RUNS / 2);
    expect(served.size).toBeGreaterThan(1);
    process.stdout.write(
      `install: ${cuts.power} power cuts and ${cuts.kill} kills; served afterwards: ${[...served].sort().join(', ')}\n`,
    );
  },
);
