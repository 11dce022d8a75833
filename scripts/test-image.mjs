/**
 * Builds an image of the board `virt` and starts it, without a hand, to its first reading. Building takes the network and
 * minutes: `scripts/test.mjs` begins it beside the other suites, at the lowest priority, and has this end it after them. The
 * last line on stdout is `tests: N passed, N failed, N skipped`.
 *
 *   node scripts/test-image.mjs FOLDER    for the image, and what is said while it is built
 *
 * SPIKESCOPE_TEST_UNTIL: seconds since 1970 at which it has to be over (without it in an hour). It is, whatever hangs: as
 * failed, and only where Debian's mirror or npm's registry cannot be reached as skipped.
 */
import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { missingTools } from './flash/boot/bench.mjs';
import { ownMirrors, RELEASE } from './flash/image/packages.mjs';
import { requireTools } from './flash/image/tools.mjs';
import { asScript, messageOf, root } from './support/programs.mjs';

const SELF = fileURLToPath(import.meta.url);
/** Seconds after those of a start in which a machine that hangs is ended, and what it said is written. */
const END_SECONDS = 90;
/** Seconds of two slow cores: for a start to its reading and its end, and for building with all packages fetched. */
export const BOOT_SECONDS = 330 + END_SECONDS;
const BUILD_SECONDS = 300;
/** Seconds that the network has to say anything at all. */
const PATIENCE = 30;
const CASES = ['an image is built', 'it starts to its first reading without a hand'];

/** @param {string} folder */
const filesOf = (folder) => ({
  image: path.join(folder, 'virt.img'),
  log: path.join(folder, 'build.log'),
  ended: path.join(folder, 'build.ended'),
});

/** Why no image can be built or started on this machine; null where both can. */
export function obstacle() {
  try {
    requireTools();
    const missing = missingTools();
    return missing === null ? null : `programs are missing: ${missing}`;
  } catch (error) {
    return messageOf(error);
  }
}

/**
 * Begins to build, in a session of its own and behind everything else.
 * @param {string} folder @returns {number} the process, and group
 */
export function beginImage(folder) {
  mkdirSync(folder, { recursive: true });
  const log = openSync(filesOf(folder).log, 'w');
  rmSync(filesOf(folder).ended, { force: true });
  const child = spawn('nice', ['-n', '15', process.execPath, SELF, '--build', folder], {
    ...{ cwd: root, detached: true, stdio: ['ignore', log, log] },
  });
  child.unref();
  return child.pid ?? 0;
}

/** The process that builds: how it ended is a file, since whoever waits for it is another one. @param {string} folder */
function build(folder) {
  const { image, ended } = filesOf(folder);
  yieldToOtherSessions();
  const words = ['scripts/flash/image.mjs', '--board', 'virt', '--out', image];
  const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: 'inherit' });
  writeFileSync(ended, `${status ?? 'a signal'}`);
}

/** Where Linux shares out processors by sessions first, a process's own niceness says nothing to those of another one. */
function yieldToOtherSessions() {
  try {
    writeFileSync('/proc/self/autogroup', '15');
  } catch {
    // A kernel without such groups, where niceness is enough.
  }
}

/**
 * Whether packages can be fetched at all, asked with the programs that fetch them and their settings.
 * @param {readonly (readonly string[])[]} [questions]
 */
export function isNetworkThere(questions = networkQuestions()) {
  return questions.every(([program, ...words]) => {
    const { status, error } = spawnSync(program, words, { timeout: PATIENCE * 1000, stdio: 'ignore' });
    // Without the program nobody can tell, and what failed has failed.
    return status === 0 || (error !== undefined && 'code' in error && error.code === 'ENOENT');
  });
}

function networkQuestions() {
  const release = `${ownMirrors().main.replace(/\/$/, '')}/dists/${RELEASE}/Release`;
  return [
    ['/usr/lib/apt/apt-helper', '-o', 'Acquire::Retries=0', 'download-file', release, '/dev/null'],
    ['npm', 'ping', '--silent'],
  ];
}

/**
 * @typedef {{ outcome: 'passed' | 'failed' | 'skipped', name: string }} Verdict
 *
 * @typedef {object} Steps what is done, so that a test can have it done otherwise
 * @property {() => string | null} obstacle
 * @property {(folder: string) => number} begin
 * @property {(process: number) => void} end
 * @property {() => boolean} isNetworkThere
 * @property {(image: string, seconds: number) => { isGood: boolean, said: string }} boot
 */

/** @type {Steps} */
const STEPS = {
  ...{ obstacle, isNetworkThere, begin: beginImage },
  end: (group) => {
    try {
      process.kill(-group, 'SIGKILL');
    } catch {}
  },
  boot: (image, seconds) => {
    const words = ['--image', image, '--readings', '1', '--seconds', String(Math.floor(seconds))];
    const { status, stderr } = spawnSync(process.execPath, ['scripts/flash/boot.mjs', ...words], {
      ...{ cwd: root, encoding: 'utf8', timeout: (seconds + 60) * 1000 },
    });
    return { isGood: status === 0, said: stderr };
  },
};

/**
 * @param {{ folder: string, begun: number | null, until: number, say: (text: string) => void }} wish
 *   `begun`: the process that builds already; `until`: milliseconds since 1970
 * @param {Steps} [steps]
 * @returns {Promise<Verdict[]>}
 */
export async function testImage({ folder, begun, until, say }, steps = STEPS) {
  /** @param {Verdict['outcome']} outcome @param {string} why */
  const all = (outcome, why) => CASES.map((name) => ({ outcome, name: `${name}: ${why}` }));
  const left = () => (until - Date.now()) / 1000;
  const missing = steps.obstacle();
  if (missing !== null) return all('skipped', missing);
  if (left() < BOOT_SECONDS)
    return all('skipped', `${Math.floor(left())} s are left, a start may take ${BOOT_SECONDS}`);
  let said = await built(folder, begun ?? steps.begin(folder), left() - BOOT_SECONDS, steps);
  if (said !== null && !steps.isNetworkThere()) return all('skipped', 'the network cannot be reached');
  // Beside other suites something may have come between; alone, and with all fetched, it has to come to its end.
  if (said !== null && left() > BOOT_SECONDS + BUILD_SECONDS) {
    say(`${said}\nonce more, alone\n`);
    said = await built(folder, steps.begin(folder), left() - BOOT_SECONDS, steps);
  }
  if (said !== null) {
    say(`${said}\n`);
    const [first, second] = CASES;
    return [
      { outcome: 'failed', name: first },
      { outcome: 'skipped', name: `${second}: there is none` },
    ];
  }
  const started = steps.boot(filesOf(folder).image, left() - END_SECONDS);
  say(started.said);
  const outcome = started.isGood ? 'passed' : 'failed';
  return CASES.map((name, i) => ({ outcome: i === 0 ? 'passed' : outcome, name }));
}

/**
 * @param {string} folder @param {number} group @param {number} seconds @param {Steps} steps
 * @returns {Promise<string | null>} what was said, where there is no image
 */
async function built(folder, group, seconds, steps) {
  const { image, log, ended } = filesOf(folder);
  const until = performance.now() + seconds * 1000;
  while (!existsSync(ended) && performance.now() < until) await delay(500);
  const end = existsSync(ended) ? readFileSync(ended, 'utf8') : `no end within ${Math.floor(seconds)} s`;
  if (end === '0' && existsSync(image)) return null;
  steps.end(group);
  const last = existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-5).join('\n') : '';
  return `${last}\nbuilding the image ended with: ${end}`;
}

await asScript(import.meta.url, async () => {
  const [first, second] = process.argv.slice(2);
  if (first === '--build') return build(second);
  const started = performance.now();
  const given = Number(process.env.SPIKESCOPE_TEST_UNTIL ?? 0) * 1000;
  const verdicts = await testImage({
    folder: first,
    begun: Number(process.env.SPIKESCOPE_TEST_IMAGE_PROCESS ?? 0) || null,
    until: given > 0 ? given : Date.now() + 3_600_000,
    say: (text) => void process.stderr.write(text),
  });
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const { outcome, name } of verdicts) {
    total[outcome]++;
    process.stdout.write(`${{ passed: 'ok    ', failed: 'FAILED', skipped: 'skipped' }[outcome]} ${name}\n`);
  }
  process.stdout.write(`image: ${((performance.now() - started) / 1000).toFixed(0)} s\n`);
  process.stdout.write(`tests: ${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped\n`);
  process.exitCode = total.failed === 0 ? 0 : 1;
});
