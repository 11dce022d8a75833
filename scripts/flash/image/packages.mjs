/** Which Debian packages an image consists of, and where they come from. */
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { sha256Of } from './digest.mjs';
import { ImageFailure } from './failure.mjs';
import { tool } from './tools.mjs';

export const RELEASE = 'trixie';
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg';
const COMPONENTS = 'main non-free-firmware';
/** Older indexes are fetched anew. */
const INDEX_AGE_MS = 12 * 3600_000;

/** What the builder itself needs in the image, beside what `files/packages.txt` names. */
const OWN_PACKAGES = [
  'systemd-sysv',
  'udev',
  'nodejs',
  'kmod',
  'ca-certificates',
  'dmsetup',
  'busybox-static',
];
const KERNEL = 'linux-image-arm64';
const KERNEL_PARTS = /^linux-(?:binary|modules|base)-(\d.*-arm64)$/;

/**
 * @typedef {object} DebianPackage
 * @property {string} name
 * @property {string} version
 * @property {string} architecture
 * @property {string} sha256 of its archive
 * @property {number} size in bytes
 * @property {string} source name of the source package
 */

/** The names in a file of the form of `files/packages.txt`. @param {string} text @param {string} board */
export function packagesOf(text, board) {
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())
    .filter((line) => line !== '')
    .flatMap((line) => {
      const [, only, name] = /^(?:([a-z0-9]+):)?(\S+)$/.exec(line) ?? [];
      return name === undefined || (only !== undefined && only !== board) ? [] : [name];
    });
}

/** The mirrors of Debian that this machine itself uses. @returns {{ main: string, security: string }} */
export function ownMirrors() {
  const format = '$(ORIGIN) $(LABEL) $(REPO_URI)';
  const lines = tool('apt-get', ['indextargets', '--format', format]).split('\n');
  /** @param {string} label */
  const find = (label) =>
    lines
      .find((line) => line.startsWith(`Debian ${label} `))
      ?.split(' ')
      .at(-1);
  const main = find('Debian');
  if (main === undefined) {
    throw new ImageFailure('BUILD_MIRROR', 'This machine knows no mirror of Debian', {
      expected: 'a source of Debian in its own apt, with its indexes fetched',
      remedy: '`sudo apt-get update`, or `--mirror URL` and `--security-mirror URL`',
    });
  }
  const security = find('Debian-Security') ?? `${main.replace(/\/debian\/?$/, '')}/debian-security/`;
  return { main, security };
}

/** apt with a state of its own, for arm64. */
export class Apt {
  /**
   * @param {string} folder that keeps indexes and archives
   * @param {{ main: string, security: string }} mirrors
   */
  constructor(folder, mirrors) {
    this.folder = folder;
    this.mirrors = mirrors;
    this.archives = path.join(folder, 'archives');
    for (const name of ['lists/partial', 'archives/partial', 'etc/preferences.d'])
      mkdirSync(path.join(folder, name), { recursive: true });
    writeFileSync(path.join(folder, 'status'), '');
    writeFileSync(path.join(folder, 'etc/sources.list'), this.#sources());
    writeFileSync(path.join(folder, 'apt.conf'), this.#configuration());
  }

  #sources() {
    const { main, security } = this.mirrors;
    const suites = [RELEASE, `${RELEASE}-updates`, `${RELEASE}-backports`];
    const all = [...suites.map((suite) => [main, suite]), [security, `${RELEASE}-security`]];
    return all.map(([url, suite]) => `deb [signed-by=${KEYRING}] ${url} ${suite} ${COMPONENTS}\n`).join('');
  }

  #configuration() {
    const settings = {
      Dir: this.folder,
      'Dir::State': this.folder,
      'Dir::State::lists': 'lists',
      'Dir::State::status': path.join(this.folder, 'status'),
      'Dir::Cache': this.folder,
      'Dir::Cache::archives': 'archives',
      'Dir::Etc': path.join(this.folder, 'etc'),
      'Dir::Etc::sourceparts': '/dev/null',
      'Dir::Etc::main': '/dev/null',
      'Dir::Etc::parts': '/dev/null',
      'Dir::Etc::trustedparts': '/dev/null',
      'APT::Architecture': 'arm64',
      'APT::Install-Recommends': 'false',
      'APT::Sandbox::User': '',
      'Acquire::Languages': 'none',
      'Acquire::Retries': '3',
    };
    const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`);
    return `${lines.join('')}#clear APT::Architectures;\nAPT::Architectures { "arm64"; };\n`;
  }

  /** @param {string} program @param {readonly string[]} args @param {string} [cwd] */
  run(program, args, cwd) {
    const env = { APT_CONFIG: path.join(this.folder, 'apt.conf') };
    return tool(program, args, { env, code: 'BUILD_PACKAGES', cwd });
  }

  /** Fetches the signed indexes where they are missing or old. @param {boolean} isFresh whether in any case */
  update(isFresh) {
    const stamp = path.join(this.folder, 'updated');
    const sources = this.#sources();
    const isCurrent =
      existsSync(stamp) &&
      readFileSync(stamp, 'utf8') === sources &&
      Date.now() - statSync(stamp).mtimeMs < INDEX_AGE_MS;
    if (isCurrent && !isFresh) return;
    this.run('apt-get', ['update', '-q', '--error-on=any']);
    writeFileSync(stamp, sources);
  }

  /**
   * The packages that together fulfil what all of them need, by name.
   * @param {readonly string[]} wanted
   * @param {readonly string[]} [options] of apt-get
   */
  resolve(wanted, options = []) {
    const said = this.run('apt-get', ['install', '--simulate', '-q', ...options, ...wanted]);
    const found = [...said.matchAll(/^Inst (\S+) \((\S+) /gm)].map(
      ([, name, version]) => `${name}=${version}`,
    );
    return this.describe(found.map((each) => each.replace(/:arm64=/, '=')));
  }

  /** @param {readonly string[]} named as `name=version` @returns {DebianPackage[]} */
  describe(named) {
    if (named.length === 0) return [];
    const paragraphs = this.run('apt-cache', ['show', ...named])
      .trim()
      .split(/\n\n+/);
    /** @type {Map<string, DebianPackage>} */
    const found = new Map();
    for (const paragraph of paragraphs) {
      /** @param {string} name */
      const field = (name) => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1] ?? '';
      const [name, version] = [field('Package'), field('Version')];
      found.set(name, {
        name,
        version,
        architecture: field('Architecture'),
        sha256: field('SHA256'),
        size: Number(field('Size')),
        source: field('Source').replace(/ .*/, '') || name,
      });
    }
    return [...found.values()].sort((one, other) => (one.name < other.name ? -1 : 1));
  }

  /** Where the archive of a package lies once fetched. @param {DebianPackage} item */
  fileOf({ name, version, architecture }) {
    return path.join(this.archives, `${name}_${version.replaceAll(':', '%3a')}_${architecture}.deb`);
  }

  /**
   * Fetches the archives that are not here yet, and holds every one to its digest.
   * @param {readonly DebianPackage[]} packages
   */
  fetch(packages) {
    const missing = packages.filter((each) => !existsSync(this.fileOf(each)));
    if (missing.length > 0) {
      const named = missing.map(({ name, version }) => `${name}=${version}`);
      this.run('apt-get', ['download', '-q', ...named], this.archives);
    }
    for (const each of packages) {
      const digest = sha256Of(this.fileOf(each));
      if (digest === each.sha256) continue;
      throw new ImageFailure(
        'BUILD_PACKAGE_DIGEST',
        'The archive of a package is not the one that was signed',
        {
          place: this.fileOf(each),
          expected: each.sha256,
          received: digest,
          remedy: 'remove the file, and build again',
        },
      );
    }
  }
}

/**
 * @typedef {object} Selection
 * @property {DebianPackage[]} system unpacked and configured
 * @property {DebianPackage[]} kernel unpacked only; empty where the kernel comes from a folder
 */

/**
 * @param {Apt} apt
 * @param {{ names: readonly string[], ownKernel: boolean }} wish
 * @returns {Selection}
 */
export function select(apt, { names, ownKernel }) {
  const wanted = [...new Set([...OWN_PACKAGES, ...names])].sort();
  const system = apt.resolve(['?essential', ...wanted]);
  if (ownKernel) return { system, kernel: [] };
  const parts = apt.resolve([KERNEL], ['--target-release', `${RELEASE}-backports`]);
  return { system, kernel: parts.filter(({ name }) => KERNEL_PARTS.test(name)) };
}

/**
 * The release of the kernel, by the names of its packages; null where there are none.
 * @param {readonly { name: string }[]} kernel
 */
export function releaseOf(kernel) {
  return kernel.map(({ name }) => KERNEL_PARTS.exec(name)?.[1]).find(Boolean) ?? null;
}
