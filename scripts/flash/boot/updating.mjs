/** System updates on one card: one that works, one whose kernel panics, one that ails, and slots that were damaged. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { serve } from '../../../dist/release/serve.js';
import { Bench, freePort } from './bench.mjs';
import { BootFailure } from './failure.mjs';
import { Office, variantOf } from './releases.mjs';

/** Starts that an update leads to at most: two on trial, and an ordinary one after each. */
const MOST_STARTS = 6;
const PULL = 'spikescope-update.service';

/**
 * @typedef {{ what: string, partition: number, committed: number | null, starts: number, refused: string | null }} Step
 *   what ran in the end, and why the release was given up
 */
/**
 * @typedef {{ what: string, mood: import('./releases.mjs').Mood, version: string, partition: number, spoil?: boolean }}
 * Wish
 */

/**
 * @param {{ image: string, archive: string, folder: string, processors: number, seconds: number,
 *   say: (line: string) => void, opened: (bench: Bench) => void }} options
 * @returns {Promise<{ bench: Bench, report: { steps: Step[] }, findings: string[] }>}
 */
export async function updateSystems({ image, archive, folder, processors, seconds, say, opened }) {
  const office = await Office.open(folder);
  await office.publish('');
  const port = await freePort();
  const server = await serve(office.workspace, { host: '127.0.0.1', port });
  const anchor = readFileSync(path.join(office.folder, 'metadata/1.root.json'), 'utf8');
  // A pull goes after readings, and drawings without a pause would leave an emulator nothing for it.
  const settings = ['interval: 15000'];
  const bench = await Bench.open({
    ...{ image, folder, processors, settings, updates: port, files: { 'update-root.json': anchor } },
  });
  opened(bench);
  /** @type {Step[]} */
  const steps = [];
  /** @type {string[]} */
  const findings = [];
  /** @type {import('./machine.mjs').Machine | null} */
  let running = null;

  /**
   * Publishes, has the device pull, and follows it through its restarts until it reads and nothing is on trial or waits.
   * @param {Wish} wish
   */
  const update = async ({ what, mood, version, partition, spoil = false }) => {
    const file = path.join(folder, `${version}.system`);
    await variantOf({ archive, out: file, version, mood });
    await office.publish(file);
    // The one that the update before has led to, where it runs still.
    let machine =
      running !== null && !running.isOver
        ? running
        : await bench.startsUntil(() => bench.isReading, { seconds, starts: 3, what: 'a reading before it' });
    const pulled = await pull(bench, machine, seconds);
    if (pulled !== null) findings.push(`${what}: the pull failed: ${pulled}`);
    // Behind the back of what has proven it, in the block that is read first.
    if (spoil) bench.disk.flip(partition === 2 ? 'root-b' : 'root-a', 1030);
    await bench.guest.ask(machine, 'systemctl --no-block restart spikescope.service');
    let starts = 0;
    let books = await settled(bench, machine, { version, seconds });
    for (; books === null && starts < MOST_STARTS; starts++) {
      bench.remember(machine);
      machine = bench.start();
      books = await settled(bench, machine, { version, seconds });
    }
    const refused =
      Object.values(books?.slots ?? {}).find((each) => each?.version === version)?.refused ?? null;
    const [runs, committed] = [bench.started?.partition ?? 0, bench.firmware.committed(bench.disk)];
    steps.push({ what, partition: runs, committed, starts, refused });
    if (runs !== partition || committed !== partition)
      findings.push(
        `${what}: expected partition ${partition}, received ${runs} running and ${committed} committed`,
      );
    if ((refused === null) !== (mood === 'good' && !spoil))
      findings.push(`${what}: ${refused === null ? 'it was not given up' : `it was given up: ${refused}`}`);
    say(
      `${what}: partition ${runs} runs, ${committed} is committed, after ${starts} starts; ${refused ?? 'in use'}`,
    );
    running = machine;
  };

  try {
    await update({ what: 'an update that works', mood: 'good', version: '90.0.1', partition: 3 });
    await update({ what: 'a kernel that panics', mood: 'panics', version: '90.0.2', partition: 3 });
    await update({ what: 'an appliance that never reads', mood: 'ails', version: '90.0.3', partition: 3 });
    await update({
      what: 'a byte that flipped in the slot',
      mood: 'good',
      version: '90.0.4',
      partition: 3,
      spoil: true,
    });
  } finally {
    server.close();
  }
  return { bench, report: { steps }, findings };
}

/**
 * Pulls as the timer has it, which no command may wait for: whoever waits cannot be asked what goes on.
 * @param {Bench} bench @param {import('./machine.mjs').Machine} machine @param {number} seconds
 * @returns {Promise<string | null>} what it said where it failed
 */
async function pull(bench, machine, seconds) {
  await bench.guest.ask(machine, `systemctl start --no-block ${PULL}`);
  const until = performance.now() + seconds * 1000;
  let state = 'activating';
  while (state === 'activating' && performance.now() < until) {
    await delay(5_000);
    const said = await bench.guest.ask(
      machine,
      `systemctl show --property ActiveState --value ${PULL}`,
      seconds,
    );
    state = said.text.trim();
  }
  if (state === 'inactive') return null;
  return (await bench.guest.ask(machine, `journalctl --no-pager --unit ${PULL} --lines 20`)).text.slice(
    -2000,
  );
}

/**
 * @typedef {{ version: string, refused: string | null, confirmedAt: string | null }} Occupant
 *
 * @typedef {{ trial: object | null, pending: string | null, slots: Record<string, Occupant | null> }} Books
 *   of the system, once it reads and nothing is on trial or waits
 */

/**
 * @param {Bench} bench @param {import('./machine.mjs').Machine} machine
 * @param {{ version: string, seconds: number }} of the release whose end is waited for
 * @returns {Promise<Books | null>} null where it has ended, as before a restart
 */
async function settled(bench, machine, { version, seconds }) {
  const until = performance.now() + seconds * 1000;
  while (!machine.isOver && performance.now() < until) {
    await delay(5_000);
    if (!bench.isReading) continue;
    const said = await bench.guest
      .ask(machine, 'cat /var/lib/spikescope/updates/installed.json')
      .catch(() => null);
    const { content } = said === null || said.code !== 0 ? {} : JSON.parse(said.text);
    /** @type {Books | undefined} */
    const books = content === undefined ? undefined : JSON.parse(content).system;
    if (books === undefined || books.trial !== null || books.pending !== null) continue;
    const release = Object.values(books.slots).find((each) => each?.version === version);
    if (!release || (release.refused === null && release.confirmedAt === null)) continue;
    // What is confirmed is committed a moment later.
    if (bench.firmware.committed(bench.disk) === bench.started?.partition) return books;
  }
  if (machine.isOver) return null;
  throw new BootFailure('BOOT_TIME', `The device was not settled after ${seconds} s`, {
    place: machine.console,
  });
}
