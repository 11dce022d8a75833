/**
 * A user namespace of its own, in which the tree of the image is made: files get the owners that they will have on the
 * device,
 * without a privilege on this machine, and no script of a package can write to a file of this machine, even where root
 * builds.
 */
import { spawn } from 'node:child_process';
import { readFileSync, readlinkSync, writeFileSync } from 'node:fs';
import { userInfo } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImageFailure } from './failure.mjs';
import { tool } from './tools.mjs';

/** Identifiers that an image may use. */
const COUNT = 65_536;
/** Outside of what systems give to users, for root, to whom /etc/subuid gives nothing. */
const BASE_FOR_ROOT = 1_000_000;
const PATIENCE_MS = 20_000;

export class Namespace {
  /** @param {import('node:child_process').ChildProcess} holder a process that keeps the namespace alive */
  constructor(holder) {
    this.holder = holder;
  }

  /** What stands before a command that runs inside, as the namespace's root. @returns {string[]} */
  get entry() {
    return ['nsenter', `--target=${this.holder.pid}`, '--user', '--mount', '--setuid=0', '--setgid=0', '--'];
  }

  /**
   * @param {readonly string[]} command
   * @param {import('./tools.mjs').ToolOptions} [options]
   */
  run(command, options = {}) {
    const [program, ...args] = [...this.entry, ...command];
    return tool(program, args, options);
  }

  close() {
    this.holder.stdin?.end();
    this.holder.kill();
  }
}

/** @throws {ImageFailure} `BUILD_NAMESPACE` where this machine allows none */
export async function openNamespace() {
  // Ends with its input, and so with this process, however that ends.
  const holder = spawn('unshare', ['--user', '--mount', 'cat'], { stdio: ['pipe', 'ignore', 'ignore'] });
  try {
    await hasOwnNamespace(holder);
    mapUsers(/** @type {number} */ (holder.pid));
  } catch (cause) {
    holder.kill();
    throw new ImageFailure('BUILD_NAMESPACE', 'This machine gives no user namespace to build in', {
      received: cause instanceof Error ? cause.message : String(cause),
      remedy:
        'as a user: `sudo apt-get install uidmap` and a line in /etc/subuid and /etc/subgid; in a container: allow `unshare`',
      cause,
    });
  }
  return new Namespace(holder);
}

/** @param {import('node:child_process').ChildProcess} holder */
async function hasOwnNamespace(holder) {
  const own = readlinkSync('/proc/self/ns/user');
  for (const until = Date.now() + PATIENCE_MS; Date.now() < until; await sleep(10)) {
    if (holder.exitCode !== null) throw new Error(`unshare ended with ${holder.exitCode}`);
    if (holder.pid !== undefined && readlinkSync(`/proc/${holder.pid}/ns/user`) !== own) return;
  }
  throw new Error('unshare made none in time');
}

/** @param {number} pid */
function mapUsers(pid) {
  for (const [map, file, program] of [
    ['uid_map', '/etc/subuid', 'newuidmap'],
    ['gid_map', '/etc/subgid', 'newgidmap'],
  ]) {
    if (process.getuid?.() === 0) writeFileSync(`/proc/${pid}/${map}`, `0 ${BASE_FOR_ROOT} ${COUNT}\n`);
    else tool(program, [String(pid), '0', String(firstOf(file)), String(COUNT)]);
  }
}

/** The first identifier that a file such as /etc/subuid gives to this user. @param {string} file */
function firstOf(file) {
  const { username, uid } = userInfo();
  const line = readFileSync(file, 'utf8')
    .split('\n')
    .map((each) => each.split(':'))
    .find(([owner, , count]) => [username, String(uid)].includes(owner) && Number(count) >= COUNT);
  if (line === undefined) throw new Error(`${file} gives ${username} no ${COUNT} identifiers`);
  return Number(line[1]);
}
