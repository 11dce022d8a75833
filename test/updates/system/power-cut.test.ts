/** A device whose power is cut, or which is killed, while it takes systems: it starts, with a system that is whole. */
import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { verifyJournalFile } from '../../../src/store/inspect.ts';
import { anyCut, run, scramble } from '../../support/power-cut/power-cut.ts';
import { canPreload } from '../../support/preload.ts';
import { Random } from '../../support/random.ts';
import { packSystem, SlotMachine, smallSystem } from '../../support/updates/systems.ts';

/** Devices. A nightly run sets 600. Each is cut twice; of the first cuts every second one is a kill, all others tear. */
const RUNS = Number(process.env.SPIKESCOPE_POWER_CUTS ?? 10);
const SEED = Number(process.env.SPIKESCOPE_POWER_SEED ?? 20_261_129);
const COUNT = 3;
/** What a run without a cut changes on the medium. */
const CHANGES = 420;
const SYSTEMS = Array.from({ length: COUNT + 1 }, (_, number) =>
  smallSystem(number, { bootBytes: 8_192, dataBytes: 196_608 }),
);

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'system-cut-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const numbersIn = (lines: readonly string[], word: string) =>
  lines.filter((line) => line.startsWith(`${word} `)).map((line) => Number(line.split(' ')[1]));

it.skipIf(!canPreload())(
  `starts a whole system, never older than one that was committed, on ${RUNS} devices`,
  { timeout: 120_000 + 30_000 * RUNS },
  async () => {
    const random = new Random(SEED);
    const cuts = { kill: 0, power: 0 };
    const ended = new Set<number>();
    for (let i = 0; i < RUNS; i++) {
      const [medium, outside] = [`medium-${i}`, `machine-${i}`].map((name) => path.join(folder, name));
      for (const each of [medium, outside]) mkdirSync(each);
      const machine = new SlotMachine(medium, SYSTEMS[0], outside);
      for (const [number, system] of SYSTEMS.entries()) packSystem(outside, `${number}.system`, system);
      const work = {
        module: path.resolve('test/support/power-cut/system.mjs'),
        environment: { WORKLOAD_FOLDER: medium, WORKLOAD_MACHINE: outside, WORKLOAD_COUNT: String(COUNT) },
        folder: medium,
      };
      /** An ordinary start of what starts take: whole, and what was said of it holds. */
      const startsWith = (least: number): number => {
        const slot = machine.firmware(false);
        const number = SYSTEMS.findIndex((system) => machine.holds(slot, system));
        expect(number, `slot ${slot} holds no whole system`).toBeGreaterThanOrEqual(least);
        machine.start(slot);
        return number;
      };
      let committed = 0;
      for (const kind of i % 2 === 0 ? (['power', 'power'] as const) : (['kill', 'power'] as const)) {
        const cut = anyCut(kind, random, { changes: CHANGES, milliseconds: 900 });
        const { lines, wasCut } = await run(work, cut);
        if (wasCut) cuts[kind]++;
        scramble(path.join(machine.data, 'journal.sqlite-shm'), random);
        committed = Math.max(committed, ...numbersIn(lines, 'committed'));
        startsWith(committed);
        const journal = path.join(machine.data, 'journal.sqlite');
        if (existsSync(journal)) expect(verifyJournalFile(journal)).toMatchObject({ sound: true });
      }
      // Then it is left in peace. What two cuts have kept from its trial has fallen back by then.
      const { lines } = await run(work);
      const number = startsWith(committed);
      expect(numbersIn(lines, 'runs').at(-1)).toBe(number);
      ended.add(committed);
      for (const each of [medium, outside]) rmSync(each, { recursive: true });
    }
    expect(cuts.power).toBeGreaterThan(RUNS / 2);
    expect(ended.size).toBeGreaterThan(1);
    const at = [...ended].sort().join(', ');
    process.stdout.write(
      `systems: ${cuts.power} power cuts and ${cuts.kill} kills; committed before: ${at}\n`,
    );
  },
);
