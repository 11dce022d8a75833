/** Programs of Debian that the builder runs, and how it runs them. */
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { isOnPath } from '../../support/programs.mjs';
import { ImageFailure } from './failure.mjs';

/** Program → Debian package. */
export const TOOLS = {
  'apt-get': 'apt',
  'dpkg-deb': 'dpkg',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  tar: 'tar',
  xz: 'xz-utils',
  zstd: 'zstd',
  openssl: 'openssl',
  cpio: 'cpio',
  readelf: 'binutils',
  depmod: 'kmod',
  modinfo: 'kmod',
  systemctl: 'systemd',
  'systemd-sysusers': 'systemd',
  'mkfs.erofs': 'erofs-utils',
  veritysetup: 'cryptsetup-bin',
  mke2fs: 'e2fsprogs',
  mformat: 'mtools',
  sfdisk: 'fdisk',
  'aarch64-linux-gnu-g++': 'g++-aarch64-linux-gnu',
  make: 'make',
  python3: 'python3',
};
const KEYRING_PACKAGE = 'debian-archive-keyring';

/** Where programs of the system lie that an ordinary user's PATH lacks. */
const SYSTEM_PATH = '/usr/sbin:/sbin';

/** @returns {NodeJS.ProcessEnv} always the same language, zone and places */
export function toolEnvironment() {
  return { ...process.env, PATH: `${process.env.PATH ?? ''}:${SYSTEM_PATH}`, LC_ALL: 'C', TZ: 'UTC' };
}

/**
 * @param {readonly string[]} [needed] programs; all of them without it
 * @throws {ImageFailure} `BUILD_TOOL_MISSING` with the line to type
 */
export function requireTools(needed = Object.keys(TOOLS)) {
  process.env.PATH = toolEnvironment().PATH;
  const packageOf = /** @type {Record<string, string>} */ (TOOLS);
  const missing = needed.filter((program) => !isOnPath(program));
  if (missing.length === 0) return;
  const packages = [...new Set(missing.map((program) => packageOf[program] ?? program))].sort();
  throw new ImageFailure('BUILD_TOOL_MISSING', 'Programs that build the image are missing', {
    place: missing.join(', '),
    remedy: `sudo apt-get install ${packages.join(' ')} ${KEYRING_PACKAGE}`,
  });
}

/**
 * @typedef {object} ToolOptions
 * @property {string | undefined} [cwd]
 * @property {NodeJS.ProcessEnv} [env]
 * @property {string | Buffer} [input]
 * @property {number} [stdin] an open file instead of `input`
 * @property {readonly number[]} [allowed] exit statuses beside 0
 * @property {string} [code] of the failure
 */

/**
 * Runs a program to its end.
 * @param {string} program
 * @param {readonly string[]} args
 * @param {ToolOptions} [options]
 * @returns {string} what it wrote on stdout
 * @throws {ImageFailure} `BUILD_TOOL` with the end of what it said
 */
export function tool(program, args, { cwd, env = {}, input, stdin, allowed = [], code = 'BUILD_TOOL' } = {}) {
  const result = spawnSync(program, args, {
    cwd,
    env: { ...toolEnvironment(), ...env },
    encoding: 'utf8',
    input: stdin === undefined ? (input ?? '') : undefined,
    stdio: [stdin ?? 'pipe', 'pipe', 'pipe'],
    maxBuffer: 2 ** 28,
  });
  if (result.error === undefined && (result.status === 0 || allowed.includes(result.status ?? -1)))
    return result.stdout;
  const said = `${result.stderr ?? ''}`.trim().split('\n').slice(-6).join('\n');
  throw new ImageFailure(code, `${path.basename(program)} failed`, {
    place: args.join(' ').slice(0, 200),
    received: said || (result.error?.message ?? `exit status ${result.status ?? result.signal}`),
    cause: result.error,
  });
}

/**
 * A pipeline of the shell, each part of which must succeed.
 * @param {string} script with `$1`, `$2`, … for the arguments
 * @param {readonly string[]} args
 * @param {ToolOptions} [options]
 */
export function pipeline(script, args, options = {}) {
  return tool('bash', ['-o', 'pipefail', '-ec', script, 'image', ...args], options);
}
