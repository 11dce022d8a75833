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
/** As the timer does, and what came of it. */
const PULL = `systemctl start spikescope-update.service
code=$?
journalctl --no-pager --unit spikescope-update.service --lines 20
exit $code`;

/** @typedef {{ what: string, partition: number, committed: number | null, starts: number }} Step what ran in the end */
/**
 * @typedef {{ what: string, mood: import('./releases.mjs').Mood, version: string, partition: number, spoil?: boolean }}
 * Wish
 */

/**
 * @param {{ image: string, archive: string, folder: string, seconds: number, say: (line: string) => void, opened:
 *   (bench: Bench) => void }} options
 * @returns {Promise<{ bench: Bench, report: { steps: Step[] }, findings: string[] }>}
 */
export async function updateSystems({ image, archive, folder, seconds, say, opened }) {
  const office = await Office.open(folder);
  await office.publish('');
  const port = await freePort();
  const server = await serve(office.workspace, { host: '127.0.0.1', port });
  const anchor = readFileSync(path.join(office.folder, 'metadata/1.root.json'), 'utf8');
  const bench = await Bench.open({ image, folder, files: { 'update-root.json': anchor }, updates: port });
  opened(bench);
  /** @type {Step[]} */
  const steps = [];
  /** @type {string[]} */
  const findings = [];

  /**
   * Publishes, has the device pull, and follows it through its restarts until it reads and nothing is on trial or waits.
   * @param {Wish} wish
   */
  const update = async ({ what, mood, version, partition, spoil = false }) => {
    const file = path.join(folder, `${version}.system`);
    await variantOf({ archive, out: file, version, mood });
    await office.publish(file);
    let machine = await bench.startsUntil(() => bench.isReading, {
      seconds,
      starts: 3,
      what: 'a reading before it',
    });
    const pulled = await bench.guest.ask(machine, PULL, seconds);
    if (pulled.code !== 0) findings.push(`${what}: the pull failed: ${pulled.text.slice(-600)}`);
    // Behind the back of what has proven it.
    if (spoil) bench.disk.flip(partition === 2 ? 'root-b' : 'root-a', 3_000_000);
    await bench.guest.ask(machine, 'systemctl --no-block restart spikescope.service');
    let starts = 0;
    for (; starts <= MOST_STARTS && !(await isSettled(bench, machine, seconds)); starts++) {
      bench.remember(machine);
      machine = bench.start();
    }
    const [runs, committed] = [bench.started?.partition ?? 0, bench.firmware.committed(bench.disk)];
    steps.push({ what, partition: runs, committed, starts });
    if (runs !== partition || committed !== partition)
      findings.push(
        `${what}: expected partition ${partition}, received ${runs} running and ${committed} committed`,
      );
    say(`${what}: partition ${runs} runs, ${committed} is committed, after ${starts} starts`);
    await bench.guest.ask(machine, 'systemctl --no-block poweroff');
    await machine.ended;
    bench.firmware.powerCut();
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
 * @param {Bench} bench @param {import('./machine.mjs').Machine} machine @param {number} seconds
 * @returns {Promise<boolean>} false where it has ended, as before a restart
 */
async function isSettled(bench, machine, seconds) {
  while (!machine.isOver && machine.wall < seconds) {
    await delay(5_000);
    if (!bench.isReading) continue;
    const books = await bench.guest
      .ask(machine, 'cat /var/lib/spikescope/updates/installed.json')
      .catch(() => null);
    const { content } = books === null ? {} : JSON.parse(books.text);
    const { trial = null, pending = null } = content === undefined ? {} : (JSON.parse(content).system ?? {});
    // What is confirmed is committed a moment later.
    const isCommitted = bench.firmware.committed(bench.disk) === bench.started?.partition;
    if (books !== null && trial === null && pending === null && isCommitted) return true;
  }
  if (machine.isOver) return false;
  throw new BootFailure('BOOT_TIME', `The device was not settled after ${seconds} s`, {
    place: machine.console,
  });
}
