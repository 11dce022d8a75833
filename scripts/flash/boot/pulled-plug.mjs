/** Hard kills of the emulator at random moments, all with one card, and what the card holds after each. */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import Database from 'better-sqlite3';
import { root } from '../../support/programs.mjs';
import { Bench, cardOf, freePort } from './bench.mjs';
import { Disk, environment, run } from './disk.mjs';
import { settingsIn } from './firmware.mjs';
import { Office } from './releases.mjs';
import { identityOf, ScenarioState } from './scenario-state.mjs';

/**
 * @typedef {'start' | 'capture' | 'learning' | 'fetch' | 'write' | 'trial'} Moment what the device is doing when its plug is
 *   pulled; the last three are of an update of its system
 */
/** In which order, over and over: a start is what a device does most where plugs are pulled, and an update least. */
export const TURNS = /** @type {readonly Moment[]} */ ([
  ...['start', 'capture', 'start', 'learning', 'start', 'fetch'],
  ...['start', 'capture', 'write', 'start', 'learning', 'trial'],
]);
/** Seconds within which it happens: of a start before one was measured, else behind what the moment begins with. */
const WITHIN = { capture: 20, learning: 30, fetch: 90, write: 30, start: 60 };
/** A trial is a start, ten readings and a word on the partition `config`. */
const TRIAL_OF_START = 1.6;
/** An ask that nothing came of is repeated: a device that says readings may not listen yet. */
const ASK_AGAIN_MS = 20_000;
/** Seconds after its first reading within which a device has told of its updates, where it has anything to tell. */
const TELLS_WITHIN = 30;
/** A system on trial restarts the device by itself, twice at most, and once more for the one that served. */
const STARTS = 4;

/**
 * @typedef {object} Kill
 * @property {Moment} moment
 * @property {number} after seconds of the last start
 * @property {boolean} wasReading
 * @property {number | null} untilReading seconds of the start to its first reading; null where none was waited for
 * @property {number | undefined} partition that ran
 * @property {string} update what the device has told of its update last
 * @property {string} fileSystem what e2fsck says
 * @property {string} journal what `journal verify` says
 * @property {string} head what a start of the appliance says of its learned head
 * @property {number} processor seconds of the emulator
 * @property {string[]} problems
 */

/**
 * What a kill shows and what not: all that the guest has written is on the disk in its order; a card that tears or reorders
 * writes is not played. A run that was broken off goes on with the card as it is then: that was one kill more.
 * @param {{ image: string, archive: string, folder: string, processors: number, kills: number, seconds: number,
 *   seed: number, during: readonly Moment[], say: (line: string) => void, opened: (bench: Bench) => void }} options
 *   during: the moments, over and over
 * @returns {Promise<{ report: { kills: readonly Kill[], readings: number }, findings: string[] }>}
 */
export async function pullPlug({
  image,
  archive,
  folder,
  processors,
  kills,
  seconds,
  seed,
  during,
  say,
  opened,
}) {
  const of = { scenario: 'plug', image: identityOf(image), archive: identityOf(archive), seed, during };
  const state = new ScenarioState(folder, { of, total: kills, say });
  const office = await Office.open(state);
  const settings = ['trigger: buttons', 'allow-commands: [capture, label, update]'];
  const bench = await Bench.open({
    ...{ image, folder, processors, settings, updates: office.port },
    files: { 'update-root.json': office.anchor },
    port: await state.value('brokerPort', freePort),
    card: state.steps.length > 0 ? new Disk(cardOf(folder)) : null,
  });
  opened(bench);
  try {
    const run = new Pulling({ bench, office, state, archive, seconds, seed, during });
    while (state.steps.length < kills) await run.once();
    state.tell('a start after the last kill');
    bench.operator?.work({ teaches: false });
    const what = 'a reading after the last kill';
    await bench.startsUntil(() => bench.isReading, { seconds, starts: STARTS, what });
  } finally {
    office.close();
  }
  const done = /** @type {Kill[]} */ (/** @type {unknown} */ (state.steps));
  return {
    report: { kills: done, readings: bench.readings },
    findings: done.flatMap(({ problems }, i) => problems.map((each) => `kill ${i + 1}: ${each}`)),
  };
}

/** The same for a step whenever it is gone on with. @param {number} seed @param {number} step @returns {number} 0…1 */
function randomOf(seed, step) {
  return createHash('sha256').update(`${seed} ${step}`).digest().readUInt32BE() / 2 ** 32;
}

class Pulling {
  /**
   * @param {{ bench: Bench, office: Office, state: ScenarioState, archive: string, seconds: number, seed: number,
   *   during: readonly Moment[] }} of seconds: that one start may take
   */
  constructor({ bench, office, state, archive, seconds, seed, during }) {
    this.bench = bench;
    this.office = office;
    this.state = state;
    this.archive = archive;
    this.seconds = seconds;
    this.seed = seed;
    this.during = during;
  }

  /** One start, one kill, and a look at what the card holds. */
  async once() {
    const { bench, state } = this;
    state.begin();
    const [before, number] = [bench.processor, state.steps.length + 1];
    const moment = this.during[(number - 1) % this.during.length];
    const random = randomOf(this.seed, number);
    bench.operator?.work({ teaches: moment === 'learning' });
    state.tell(`kill ${number}, ${moment}`);
    const { machine, untilReading } =
      moment === 'start' ? await this.#duringStart(random) : await this.#afterReading(moment, random, number);
    const found = {
      ...{ moment, untilReading, after: Math.round(machine.wall * 10) / 10, wasReading: bench.isReading },
      ...{ partition: bench.started?.partition, update: bench.updates?.words ?? '' },
    };
    await machine.pullPlug();
    bench.operator?.rest();
    bench.firmware.powerCut();
    const processor = Math.round(bench.processor - before);
    const { problems, ...looked } = look(bench);
    state.done({ ...found, ...looked, processor, problems });
  }

  /** @param {number} random */
  async #duringStart(random) {
    const kills = /** @type {Kill[]} */ (/** @type {unknown} */ (this.state.steps));
    const longest = kills.findLast(({ untilReading }) => untilReading !== null)?.untilReading ?? WITHIN.start;
    return { machine: await this.bench.startsFor(random * longest, STARTS), untilReading: null };
  }

  /** @param {Exclude<Moment, 'start'>} moment @param {number} random @param {number} number */
  async #afterReading(moment, random, number) {
    const { bench, seconds } = this;
    const what = `a reading at start ${number}`;
    const machine = await bench.startsUntil(() => bench.isReading, { seconds, starts: STARTS, what });
    const untilReading = Math.round(machine.wall * 10) / 10;
    const isUpdate = moment !== 'capture' && moment !== 'learning';
    const begun = isUpdate ? await this.#updatesUntil(moment, machine, number) : machine;
    const within = moment === 'trial' ? untilReading * TRIAL_OF_START : WITHIN[moment];
    return { machine: await bench.runsFor(begun, random * within, STARTS), untilReading };
  }

  /**
   * Has the device update until a moment begins. @param {'fetch' | 'write' | 'trial'} moment
   * @param {import('./machine.mjs').Machine} machine @param {number} number
   * @returns {Promise<import('./machine.mjs').Machine>} that which runs then
   */
  async #updatesUntil(moment, machine, number) {
    const { bench, seconds } = this;
    bench.operator?.rest();
    const silent = machine.wall + TELLS_WITHIN;
    const hasTold = () => bench.updates?.last !== null || machine.wall > silent;
    await machine.until(hasTold, { seconds: machine.wall + seconds, what: 'a word of its updates' });
    const version = await this.#release(number);
    const before = bench.updates?.operation?.id;
    const isUnderWay = () => bench.updates?.operation?.id !== before || bench.updates?.isTaken(version);
    let askedAt = -Infinity;
    const asks = () => {
      if (performance.now() - askedAt < ASK_AGAIN_MS) return;
      askedAt = performance.now();
      bench.operator?.update();
    };
    const reached = {
      fetch: isUnderWay,
      write: () => isUnderWay() && bench.updates?.isWriting(version),
      trial: () => bench.updates?.isTaken(version),
    }[moment];
    const isReached = () => {
      if (!isUnderWay()) asks();
      return reached() === true;
    };
    await machine.until(isReached, { seconds: machine.wall + seconds, what: `${moment} of ${version}` });
    if (moment !== 'trial') return machine;
    bench.operator?.work({ teaches: false });
    // What waited at the start of this machine is tried by the device itself, and runs already.
    return bench.updates?.isPending(version) ? this.#triesNow(machine) : machine;
  }

  /** What there is to install: the release before, as long as it is on its way. @param {number} number */
  async #release(number) {
    const { bench, state, office, archive } = this;
    const last = await state.value('version', () => '');
    if (last !== '' && (bench.updates?.endOf(last) ?? null) === null) return last;
    const version = `90.1.${number}`;
    await office.publish({ archive, version, mood: 'good' });
    state.replace('version', version);
    return version;
  }

  /**
   * Starts the appliance anew when a release waits, as somebody would who does not wait for ten quiet minutes, and the
   * machine behind the restart that follows. @param {import('./machine.mjs').Machine} machine
   */
  async #triesNow(machine) {
    const { bench, seconds } = this;
    // It may be about to do that by itself.
    await bench.guest.ask(machine, 'systemctl --no-block restart spikescope.service').catch(() => null);
    await machine.until(() => machine.isOver, {
      seconds: machine.wall + seconds,
      what: 'a restart for the trial',
    });
    bench.remember(machine);
    return bench.start();
  }
}

/** @param {Bench} bench */
function look(bench) {
  /** @type {string[]} */
  const problems = [];
  const scratch = path.join(bench.folder, 'data.img');
  const { isClean, said } = bench.disk.checkData(scratch);
  if (!isClean) problems.push(`file system: ${said}`);
  const data = takeData(scratch, path.join(bench.folder, 'data'));
  const journal = verifyJournal(data);
  if (!journal.isSound) problems.push(`journal: ${journal.said}`);
  const lost = missingOf(bench.heard, data);
  if (lost > 0) problems.push(`journal: ${lost} readings that the broker has are not in it`);
  const head = startOn(data);
  if (!head.isSound) problems.push(`head: ${head.said}`);
  const autoboot = bench.disk.readFat('config', 'autoboot.txt')?.toString('latin1') ?? '';
  const slots = [false, true].map((flag) =>
    settingsIn(autoboot, (filter) => filter === 'tryboot' && flag).get('boot_partition'),
  );
  if (slots.toSorted().join() !== '2,3') problems.push(`autoboot.txt: ${JSON.stringify(autoboot)}`);
  rmSync(scratch);
  return { fileSystem: said, journal: journal.said, head: head.said, problems };
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
 * How many of the readings that have left the device its journal does not hold.
 * @param {ReadonlySet<string>} heard @param {string} data
 */
export function missingOf(heard, data) {
  const file = path.join(data, 'journal.sqlite');
  if (heard.size === 0 || !existsSync(file)) return heard.size;
  const journal = new Database(file);
  try {
    const kept = new Set(journal.prepare("SELECT case_id FROM records WHERE kind = 'reading'").pluck().all());
    return [...heard].filter((id) => !kept.has(id)).length;
  } finally {
    journal.close();
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
