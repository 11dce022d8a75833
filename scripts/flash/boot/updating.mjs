/** System updates on one card: one that works, one whose kernel panics, one that ails, and a slot that was damaged. */
import { existsSync, rmSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Bench, cardOf, freePort } from './bench.mjs';
import { Disk } from './disk.mjs';
import { BootFailure } from './failure.mjs';
import { Office } from './releases.mjs';
import { identityOf, ScenarioState } from './scenario-state.mjs';

/** Starts that an update leads to at most: two on trial, and an ordinary one after each. */
const MOST_STARTS = 6;
/** Once the first of them has worked, slot b serves, and every other one has to leave it so. */
const SERVES = { partition: 3, version: '90.0.1' };

/**
 * @typedef {{ what: string, version: string, mood: import('./releases.mjs').Mood, isSpoilt: boolean,
 *   by: 'server' | 'stick' }} Case
 *
 * @typedef {Case & { partition: number, committed: number | null, runs: string, starts: number, refused: string | null,
 *   stages: Record<string, number>, processor: number, problems: string[] }} Step
 *   what ran in the end (`runs`: the version on the kernel's command line), starts that it took, why the release was given
 *   up, seconds by stage of the pull, the emulator's processor time
 */

/** @type {readonly Case[]} */
const CASES = [
  { what: 'an update that works', version: SERVES.version, mood: 'good', isSpoilt: false, by: 'server' },
  { what: 'a kernel that panics', version: '90.0.2', mood: 'panics', isSpoilt: false, by: 'stick' },
  { what: 'a byte that flipped in the slot', version: '90.0.3', mood: 'good', isSpoilt: true, by: 'stick' },
  { what: 'an appliance that never reads', version: '90.0.4', mood: 'ails', isSpoilt: false, by: 'stick' },
];

/**
 * The device is asked for a pull as a person would, by MQTT or by a stick, and followed by what it tells. After each case a
 * copy of the card is kept: a run that was broken off goes on from there.
 * @param {{ image: string, archive: string, folder: string, processors: number, seconds: number,
 *   say: (line: string) => void, opened: (bench: Bench) => void }} options
 * @returns {Promise<{ report: { steps: readonly Step[] }, findings: string[] }>}
 */
export async function updateSystems({ image, archive, folder, processors, seconds, say, opened }) {
  const of = { scenario: 'update', image: identityOf(image), archive: identityOf(archive) };
  const state = new ScenarioState(folder, { of, total: CASES.length, say });
  const office = await Office.open(state);
  const bench = await Bench.open({
    ...{ image, folder, processors, updates: office.port, files: { 'update-root.json': office.anchor } },
    // Nothing reads while it is not asked to, so that an emulator's one processor is the pull's.
    settings: ['trigger: buttons', 'allow-commands: [capture, update]'],
    port: await state.value('brokerPort', freePort),
    card: keptCard(folder, state.steps.length),
  });
  opened(bench);
  try {
    const run = new Updating({ bench, office, state, archive, seconds });
    for (const each of CASES.slice(state.steps.length)) await run.through(each);
  } finally {
    office.close();
  }
  const steps = /** @type {Step[]} */ (/** @type {unknown} */ (state.steps));
  return {
    report: { steps },
    findings: steps.flatMap(({ what, problems }) => problems.map((each) => `${what}: ${each}`)),
  };
}

/** @param {string} folder @param {number} steps that are done */
function keptFile(folder, steps) {
  return path.join(folder, `card-${steps}.img`);
}

/** The card as it was after the last case; null before the first. @param {string} folder @param {number} steps */
function keptCard(folder, steps) {
  const kept = keptFile(folder, steps);
  return steps > 0 && existsSync(kept) ? Disk.copy(kept, cardOf(folder), 0) : null;
}

class Updating {
  /** @type {import('./machine.mjs').Machine | null} */
  #running = null;

  /**
   * @param {{ bench: Bench, office: Office, state: ScenarioState, archive: string, seconds: number }} of seconds: that one
   *   start, and one pull, may take
   */
  constructor({ bench, office, state, archive, seconds }) {
    this.bench = bench;
    this.office = office;
    this.state = state;
    this.archive = archive;
    this.seconds = seconds;
  }

  /**
   * Publishes, has the device pull, and follows it until it reads and the release serves or is given up.
   * @param {Case} wish
   */
  async through(wish) {
    const { bench, state, seconds } = this;
    const { what, version, isSpoilt } = wish;
    state.begin();
    const before = bench.processor;
    await this.office.publish({ archive: this.archive, version, mood: wish.mood });
    bench.operator?.work({ teaches: false });
    state.tell(`${what}: a start before it`);
    // That which the update before has led to, where it runs still.
    const first =
      this.#running ??
      (await bench.startsUntil(() => bench.isReading, { seconds, starts: 3, what: 'a reading before it' }));
    bench.operator?.rest();
    await this.#pull(first, wish);
    const stages = bench.updates?.stages ?? {};
    // Behind the back of what has proven it, in the block that is read first.
    if (isSpoilt) bench.disk.flip(SERVES.partition === 2 ? 'root-b' : 'root-a', 1030);
    bench.operator?.work({ teaches: false });
    // It may be about to do that by itself.
    await bench.guest.ask(first, 'systemctl --no-block restart spikescope.service').catch(() => null);
    const { machine, starts, refused } = await this.#settles(first, wish);
    bench.operator?.rest();
    const said = await bench.guest.ask(machine, 'cat /proc/cmdline');
    const [, runs = 'that of the image'] = /\bspikescope\.variant=(\S+)/.exec(said.text) ?? [];
    const step = {
      ...{
        ...wish,
        partition: bench.started?.partition ?? 0,
        committed: bench.firmware.committed(bench.disk),
        runs,
      },
      ...{ starts, refused, stages, processor: Math.round(bench.processor - before) },
    };
    const done = state.steps.length;
    await machine.whilePaused(() => Disk.copy(bench.disk.file, keptFile(bench.folder, done + 1), 0));
    state.done({ ...step, problems: problemsOf(step) });
    rmSync(keptFile(bench.folder, done), { force: true });
    this.#running = machine;
  }

  /** @param {import('./machine.mjs').Machine} machine @param {Case} of @throws {BootFailure} `BOOT_UPDATE` */
  async #pull(machine, { what, version, by }) {
    const { bench, state, office } = this;
    const updates = bench.updates;
    const stick = path.join(bench.folder, 'stick.img');
    if (by === 'stick') office.stick(stick);
    const [before, begun] = [updates?.operation?.id, performance.now()];
    if (by === 'stick') await machine.putIn(stick);
    else bench.operator?.update();
    while (!updates?.isTaken(version)) {
      await delay(500);
      const operation = updates?.operation;
      const isNew = operation !== undefined && operation !== null && operation.id !== before;
      const isLate = performance.now() - begun > this.seconds * 1000;
      if (
        machine.isOver ||
        isLate ||
        (isNew && operation.outcome !== null && operation.outcome !== 'pending')
      ) {
        throw new BootFailure('BOOT_UPDATE', 'The device did not take the update', {
          place: machine.console,
          expected: `${version}, which waits for a start`,
          received: isNew ? `${updates?.words}, ${operation.code}: ${operation.message}` : 'no pull',
        });
      }
      state.tellNowAndThen(`${what}: ${isNew ? updates?.words : 'asked for'}`);
    }
    if (by === 'stick' && !machine.isOver) await machine.takeOut();
  }

  /**
   * Follows the device through its restarts until it reads, and the release serves and is committed, or was given up.
   * @param {import('./machine.mjs').Machine} first @param {Case} wish
   */
  async #settles(first, { what, version }) {
    const { bench, state } = this;
    let machine = first;
    for (let starts = 0; ; starts++) {
      const end = await this.#endOn(machine, version, `${what}: start ${starts}`);
      if (end !== null) return { machine, starts, refused: end.refused };
      bench.remember(machine);
      if (starts === MOST_STARTS) break;
      machine = bench.start();
      const { partition = 0, isOneShot = false } = bench.started ?? {};
      state.tell(`${what}: start ${starts + 1} of partition ${partition}${isOneShot ? ', on trial' : ''}`);
    }
    throw new BootFailure('BOOT_ENDED', `The device was not settled after ${MOST_STARTS} starts`, {
      place: machine.console,
      expected: `${version} in use, or given up`,
    });
  }

  /**
   * @param {import('./machine.mjs').Machine} machine @param {string} version @param {string} words
   * @returns {Promise<{ refused: string | null } | null>} null where the machine has ended, as before a restart
   */
  async #endOn(machine, version, words) {
    const { bench, state, seconds } = this;
    const until = performance.now() + seconds * 1000;
    while (!machine.isOver) {
      await delay(500);
      const end = bench.isReading ? (bench.updates?.endOf(version) ?? null) : null;
      // What is confirmed is committed a moment later.
      if (end !== null && bench.firmware.committed(bench.disk) === bench.started?.partition) return end;
      state.tellNowAndThen(`${words}: ${bench.isReading ? 'it reads' : 'no reading yet'}`);
      if (performance.now() < until) continue;
      throw new BootFailure('BOOT_TIME', `The device was not settled after ${seconds} s`, {
        place: machine.console,
        received: machine.text.slice(-400),
      });
    }
    return null;
  }
}

/** What is not as it must be, in words. @param {Omit<Step, 'problems'>} step @returns {string[]} */
export function problemsOf({ mood, isSpoilt, partition, committed, runs, refused }) {
  const isGood = mood === 'good' && !isSpoilt;
  return [
    ...(partition === SERVES.partition && committed === SERVES.partition
      ? []
      : [`partition ${partition} runs and ${committed} is committed, both should be ${SERVES.partition}`]),
    ...(runs === SERVES.version ? [] : [`system ${runs} runs, it should be ${SERVES.version}`]),
    ...(isGood && refused !== null ? [`it was given up: ${refused}`] : []),
    ...(!isGood && refused === null ? ['it was not given up'] : []),
  ];
}
