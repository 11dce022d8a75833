/** Hard kills of the emulator at random moments, all with one card, and what the card holds after each. */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { root } from '../../support/programs.mjs';
import { environment, run } from './disk.mjs';
import { settingsIn } from './firmware.mjs';

/**
 * @typedef {object} Kill
 * @property {number} after seconds
 * @property {boolean} wasReading
 * @property {string} fileSystem what e2fsck says
 * @property {string} journal what `journal verify` says
 */

/**
 * Half of the kills fall on the start, the others on the time after the first reading. What a kill shows and what not:
 * all that
 * the guest has written is on the disk in its order; a card that tears or reorders writes is not played.
 * @param {import('./bench.mjs').Bench} bench
 * @param {{ kills: number, seconds: number, random: () => number, say: (line: string) => void }} options
 */
export async function pullPlug(bench, { kills, seconds, random, say }) {
  /** @type {Kill[]} */
  const done = [];
  /** @type {string[]} */
  const findings = [];
  let untilReading = 60;
  for (let i = 1; i <= kills; i++) {
    const machine = bench.start({ asked: false });
    const readings = bench.readings;
    const isEarly = random() < 0.5;
    if (isEarly) await Promise.race([delay(random() * untilReading * 1000), machine.ended]);
    else {
      await machine.until(() => bench.readings > readings, { seconds, what: `a reading at start ${i}` });
      untilReading = machine.wall;
      await delay(random() * 20_000);
    }
    const after = Math.round(machine.wall * 10) / 10;
    if (machine.isOver) findings.push(`kill ${i}: the machine ended by itself after ${after} s`);
    await machine.pullPlug();
    bench.firmware.powerCut();
    const { kill, problems } = look(bench, { after, wasReading: bench.readings > readings });
    done.push(kill);
    findings.push(...problems.map((each) => `kill ${i}: ${each}`));
    say(`kill ${i} after ${after} s: ${problems.length === 0 ? 'in order' : problems.join('; ')}`);
  }
  const machine = bench.start({ asked: false });
  const readings = bench.readings;
  await machine.until(() => bench.readings > readings, { seconds, what: 'a reading after the last kill' });
  return { machine, report: { kills: done, readings: bench.readings }, findings };
}

/** @param {import('./bench.mjs').Bench} bench @param {{ after: number, wasReading: boolean }} of */
function look(bench, of) {
  /** @type {string[]} */
  const problems = [];
  const scratch = path.join(bench.folder, 'data.img');
  const { isClean, said } = bench.disk.checkData(scratch);
  if (!isClean) problems.push(`file system: ${said}`);
  const journal = verifyJournal(scratch, path.join(bench.folder, 'journal'));
  if (!journal.isSound) problems.push(`journal: ${journal.said}`);
  const autoboot = bench.disk.readFat('config', 'autoboot.txt')?.toString('latin1') ?? '';
  const slots = [false, true].map((flag) =>
    settingsIn(autoboot, (filter) => filter === 'tryboot' && flag).get('boot_partition'),
  );
  if (slots.toSorted().join() !== '2,3') problems.push(`autoboot.txt: ${JSON.stringify(autoboot)}`);
  rmSync(scratch);
  return { kill: { ...of, fileSystem: said, journal: journal.said }, problems };
}

/** The journal of the appliance, out of a copy of its file system. @param {string} image @param {string} folder */
function verifyJournal(image, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(folder, { recursive: true });
  for (const name of ['journal.sqlite', 'journal.sqlite-wal', 'journal.head']) {
    run('debugfs', ['-R', `dump spikescope/${name} ${path.join(folder, name)}`, image]);
    const file = path.join(folder, name);
    // What is not there is made as an empty file.
    if (existsSync(file) && statSync(file).size === 0) rmSync(file);
  }
  if (!existsSync(path.join(folder, 'journal.sqlite'))) return { isSound: true, said: 'no journal yet' };
  const program = path.join(root, 'bin/spikescope.mjs');
  try {
    const said = execFileSync(process.execPath, [program, 'journal', 'verify', '--data', folder], {
      env: environment,
    });
    return { isSound: true, said: said.toString().trim() };
  } catch (error) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: Buffer, stderr?: Buffer }} */ (error);
    return { isSound: false, said: `${stdout}${stderr}`.trim() };
  }
}
