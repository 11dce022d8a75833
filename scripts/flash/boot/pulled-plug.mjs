/** Hard kills of the emulator at random moments, all with one card, and what the card holds after each. */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '../../../dist/release/serve.js';
import { root } from '../../support/programs.mjs';
import { Bench, freePort } from './bench.mjs';
import { environment, run } from './disk.mjs';
import { settingsIn } from './firmware.mjs';
import { Office, variantOf } from './releases.mjs';

/** What the device is doing when its plug is pulled. */
export const MOMENTS = /** @type {const} */ (['start', 'capture', 'learning', 'update']);
/** @typedef {(typeof MOMENTS)[number]} Moment */
/** Seconds after the first reading within which it happens; a pull takes longer than a capture. */
const WITHIN = { capture: 20, learning: 30, update: 240 };
/** A system on trial restarts the device by itself, twice at most, and once more for the one that served. */
const STARTS = 4;

/**
 * @typedef {object} Kill
 * @property {Moment} moment
 * @property {number} after seconds of the last start
 * @property {boolean} wasReading
 * @property {number | undefined} partition that ran
 * @property {string} fileSystem what e2fsck says
 * @property {string} journal what `journal verify` says
 * @property {string} head what a start of the appliance says of its learned head
 */

/**
 * The moments take turns. What a kill shows and what not: all that the guest has written is on the disk in its order; a
 * card that tears or reorders writes is not played.
 * @param {{ image: string, archive: string, folder: string, processors: number, kills: number, seconds: number,
 *   random: () => number, say: (line: string) => void, opened: (bench: Bench) => void }} options
 */
export async function pullPlug(options) {
  const { image, archive, folder, processors, kills, seconds, random, say, opened } = options;
  const office = await Office.open(folder);
  await office.publish('');
  const port = await freePort();
  const server = await serve(office.workspace, { host: '127.0.0.1', port });
  const anchor = readFileSync(path.join(office.folder, 'metadata/1.root.json'), 'utf8');
  const settings = ['trigger: buttons', 'allow-commands: [capture, label, update]'];
  const bench = await Bench.open({
    ...{ image, folder, processors, settings, updates: port, files: { 'update-root.json': anchor } },
  });
  opened(bench);
  /** @type {Kill[]} */
  const done = [];
  /** @type {string[]} */
  const findings = [];
  /** @param {number} number */
  const publish = async (number) => {
    const file = path.join(folder, 'next.system');
    await variantOf({ archive, out: file, version: `90.1.${number}`, mood: 'good' });
    await office.publish(file);
    rmSync(file);
  };

  try {
    let untilReading = 60;
    for (let i = 1; i <= kills; i++) {
      const moment = MOMENTS[(i - 1) % MOMENTS.length];
      if (moment === 'update') await publish(i);
      bench.operator?.work({ teaches: moment === 'learning' });
      const machine =
        moment === 'start'
          ? await bench.startsFor(random() * untilReading, STARTS)
          : await bench.startsUntil(() => bench.isReading, {
              seconds,
              starts: STARTS,
              what: `a reading at start ${i}`,
            });
      if (moment !== 'start') {
        untilReading = machine.wall;
        if (moment === 'update') bench.operator?.update();
        await Promise.race([delay(random() * WITHIN[moment] * 1000), machine.ended]);
      }
      const after = Math.round(machine.wall * 10) / 10;
      const wasReading = bench.isReading;
      await machine.pullPlug();
      bench.firmware.powerCut();
      const { kill, problems } = look(bench, {
        moment,
        after,
        wasReading,
        partition: bench.started?.partition,
      });
      done.push(kill);
      findings.push(...problems.map((each) => `kill ${i}: ${each}`));
      const outcome = problems.length === 0 ? 'in order' : problems.join('; ');
      say(`kill ${i}, ${moment}, after ${after} s, partition ${kill.partition}: ${outcome}; ${kill.head}`);
    }
    bench.operator?.work({ teaches: false });
    const what = 'a reading after the last kill';
    await bench.startsUntil(() => bench.isReading, { seconds, starts: STARTS, what });
  } finally {
    server.close();
  }
  return { report: { kills: done, readings: bench.readings }, findings };
}

/** @param {Bench} bench @param {Pick<Kill, 'moment' | 'after' | 'wasReading' | 'partition'>} of */
function look(bench, of) {
  /** @type {string[]} */
  const problems = [];
  const scratch = path.join(bench.folder, 'data.img');
  const { isClean, said } = bench.disk.checkData(scratch);
  if (!isClean) problems.push(`file system: ${said}`);
  const data = takeData(scratch, path.join(bench.folder, 'data'));
  const journal = verifyJournal(data);
  if (!journal.isSound) problems.push(`journal: ${journal.said}`);
  const head = startOn(data);
  if (!head.isSound) problems.push(`head: ${head.said}`);
  const autoboot = bench.disk.readFat('config', 'autoboot.txt')?.toString('latin1') ?? '';
  const slots = [false, true].map((flag) =>
    settingsIn(autoboot, (filter) => filter === 'tryboot' && flag).get('boot_partition'),
  );
  if (slots.toSorted().join() !== '2,3') problems.push(`autoboot.txt: ${JSON.stringify(autoboot)}`);
  rmSync(scratch);
  return { kill: { ...of, fileSystem: said, journal: journal.said, head: head.said }, problems };
}

/**
 * What the appliance keeps, out of a copy of its file system, without what it has fetched.
 * @param {string} image @param {string} folder
 */
function takeData(image, folder) {
  rmSync(folder, { recursive: true, force: true });
  mkdirSync(path.join(folder, 'updates'), { recursive: true });
  const listed = run('debugfs', ['-R', 'ls -p /spikescope', image]).toString();
  const files = [...listed.matchAll(/^\/\d+\/100\d+\/\d+\/\d+\/([^/]+)\/\d*\/$/gm)].map(([, name]) => name);
  for (const name of [...files, 'updates/installed.json']) {
    const file = path.join(folder, name);
    run('debugfs', ['-R', `dump /spikescope/${name} ${file}`, image]);
    // What is not there is made as an empty file.
    if (existsSync(file) && statSync(file).size === 0) rmSync(file);
  }
  return folder;
}

/** @param {string} data */
function verifyJournal(data) {
  if (!existsSync(path.join(data, 'journal.sqlite'))) return { isSound: true, said: 'no journal yet' };
  const program = path.join(root, 'bin/spikescope.mjs');
  try {
    const said = execFileSync(process.execPath, [program, 'journal', 'verify', '--data', data], {
      env: environment,
    });
    return { isSound: true, said: said.toString().trim() };
  } catch (error) {
    const { stdout = '', stderr = '' } = /** @type {{ stdout?: Buffer, stderr?: Buffer }} */ (error);
    return { isSound: false, said: `${stdout}${stderr}`.trim() };
  }
}

/**
 * One capture with what the device has kept: a learned head that is not whole is set aside, and said so.
 * @param {string} data
 */
function startOn(data) {
  const had = readdirSync(data).some((name) => name.endsWith('.spikescope-delta'));
  const program = path.join(root, 'bin/spikescope.mjs');
  const words = ['run', '--data', data, '--source', 'phantom', '--count', '1'];
  const { status, stderr } = spawnSync(process.execPath, [program, ...words], {
    env: environment,
    encoding: 'utf8',
  });
  const [line = 'no word of a head'] = /^ *head .*$/m.exec(stderr) ?? [];
  const isSound = status === 0 && !/the file is (left in its place|kept as)/.test(stderr);
  return { isSound, said: isSound ? `${had ? 'learned' : 'factory'}: ${line.trim()}` : stderr.trim() };
}
