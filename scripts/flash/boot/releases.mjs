/** Systems to be installed, made of the archive of an image, and the repository that a device takes them from. */
import { execFileSync } from 'node:child_process';
import { createHash, createPrivateKey } from 'node:crypto';
import {
  closeSync,
  copyFileSync,
  existsSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  rmSync,
  truncateSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { addRelease, describeRelease } from '../../../dist/release/add-release.js';
import { initialise } from '../../../dist/release/drafts.js';
import { publish } from '../../../dist/release/publish.js';
import { serve } from '../../../dist/release/serve.js';
import { newKey, signerOf } from '../../../dist/release/signer.js';
import { Workspace } from '../../../dist/release/workspace.js';
import { roleOfChannel } from '../../../dist/updates/release.js';
import { openSystemArchive } from '../../../dist/updates/system/archive.js';
import { freePort } from './bench.mjs';
import { environment, run } from './disk.mjs';

const BLOCK = 512;
const PIECE = 4 * 2 ** 20;

/** @typedef {'good' | 'panics' | 'ails'} Mood how the system will do */

/**
 * An archive of another version, whose boot files do what the mood says; the root is the same.
 * @param {{ archive: string, out: string, version: string, mood: Mood }} wish
 */
export async function variantOf({ archive, out, version, mood }) {
  const { description, offsets } = await openSystemArchive(archive);
  copyFileSync(archive, out);
  const boot = `${out}.boot`;
  copy({ from: archive, at: offsets.boot, to: boot, place: 0, length: description.boot.size });
  for (const slot of ['a', 'b']) {
    const name = `cmdline-${slot}.txt`;
    const text = run('mtype', ['-i', boot, `::${name}`])
      .toString()
      .trim();
    writeFileSync(`${boot}.txt`, `${changed(text, mood)} spikescope.variant=${version}\n`);
    run('mcopy', ['-o', '-i', boot, `${boot}.txt`, `::${name}`]);
  }
  copy({ from: boot, at: 0, to: out, place: offsets.boot, length: description.boot.size });
  const sha256 = digestOf(boot);
  const text = Buffer.from(
    JSON.stringify({ ...description, version, boot: { ...description.boot, sha256 } }),
  );
  layDescription(out, text, offsets.boot - BLOCK);
  for (const each of [boot, `${boot}.txt`]) rmSync(each);
}

/** @param {string} commandLine @param {Mood} mood */
function changed(commandLine, mood) {
  // A root hash that is not that of the root: the first program ends, and with it the kernel.
  if (mood === 'panics') return commandLine.replace(/(spikescope\.verity=)[0-9a-f]{8}/, '$100000000');
  if (mood === 'ails') return `${commandLine} systemd.mask=spikescope.service spikescope.trial-minutes=1`;
  return commandLine;
}

/**
 * The description before the images; it has the room of the blocks that it has now. @param {string} file @param
 * {Buffer} text @param {number} room
 */
function layDescription(file, text, room) {
  if (text.length > room - BLOCK) throw new RangeError('the description has grown over its blocks');
  const handle = openSync(file, 'r+');
  try {
    const header = Buffer.alloc(BLOCK);
    readSync(handle, header, 0, BLOCK, 0);
    header.write(`${text.length.toString(8).padStart(11, '0')}\0`, 124, 'latin1');
    header.fill(' ', 148, 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148, 'latin1');
    const content = Buffer.alloc(room - BLOCK);
    text.copy(content);
    writeSync(handle, header, 0, BLOCK, 0);
    writeSync(handle, content, 0, content.length, BLOCK);
  } finally {
    closeSync(handle);
  }
}

/** @param {{ from: string, at: number, to: string, place: number, length: number }} range */
function copy({ from, at, to, place, length }) {
  const [source, target] = [openSync(from, 'r'), openSync(to, place === 0 ? 'w' : 'r+')];
  try {
    const piece = Buffer.alloc(PIECE);
    for (let done = 0; done < length; ) {
      const read = readSync(source, piece, 0, Math.min(PIECE, length - done), at + done);
      if (read === 0) throw new RangeError(`${from} ends early`);
      writeSync(target, piece, 0, read, place + done);
      done += read;
    }
  } finally {
    closeSync(source);
    closeSync(target);
  }
}

/** @param {string} file */
function digestOf(file) {
  return createHash('sha256')
    .update(run('cat', [file]))
    .digest('hex');
}

/** @typedef {{ release: string, online: string }} Keys in PEM */

/** A repository, and a server before it, as an office has them. */
export class Office {
  /**
   * @param {import('./scenario-state.mjs').ScenarioState} state which keeps keys and port: the card has been told of them
   * @returns {Promise<Office>}
   */
  static async open(state) {
    const folder = path.join(state.folder, 'repository');
    const keys = await state.value('keys', async () => {
      // What was begun without its keys being kept is of no use.
      rmSync(folder, { recursive: true, force: true });
      return initialised(folder);
    });
    const workspace = Workspace.open(folder);
    const port = await state.value('repositoryPort', freePort);
    const server = await serve(workspace, { host: '127.0.0.1', port });
    const office = new Office(workspace, signerIn(keys.release), signerIn(keys.online), port, server);
    if (workspace.publishedTimestamp() === null) await office.#publish();
    return office;
  }

  /**
   * @param {Workspace} workspace @param {import('../../../dist/release/signer.js').Signer} release
   * @param {import('../../../dist/release/signer.js').Signer} online @param {number} port
   * @param {import('node:http').Server} server
   */
  constructor(workspace, release, online, port, server) {
    this.workspace = workspace;
    this.release = release;
    this.online = online;
    this.port = port;
    this.server = server;
  }

  close() {
    this.server.close();
    this.server.closeAllConnections();
  }

  /** What a device is set up with, to trust this office. */
  get anchor() {
    return readFileSync(path.join(this.workspace.metadata, '1.root.json'), 'utf8');
  }

  /**
   * Publishes a system of the same root, in the place of what was published before.
   * @param {{ archive: string, version: string, mood: Mood }} wish
   */
  async publish({ archive, version, mood }) {
    const file = path.join(this.workspace.folder, `${version}.system`);
    const words = {
      ...{ kind: /** @type {const} */ ('system'), name: null, version: null, hardware: ['any'], cards: [] },
      ...{
        from: '0.1.0',
        before: null,
        journal: 2,
        notes: '',
        change: 'a test',
        proof: null,
        learning: null,
      },
    };
    await variantOf({ archive, out: file, version, mood });
    try {
      this.#emptyTargets();
      const release = await describeRelease(file, words);
      await addRelease(this.workspace, { file, ...roleOfChannel('stable'), release, now: Date.now() }, [
        this.release,
      ]);
    } finally {
      rmSync(file, { force: true });
    }
    await this.#publish();
  }

  /** What is published, on a stick with one FAT, as they are sold. @param {string} file */
  stick(file) {
    const { folder } = this.workspace;
    const megabytes =
      Number(run('du', ['--summarize', '--block-size=1M', folder]).toString().split('\t')[0]) + 64;
    rmSync(file, { force: true });
    writeFileSync(file, '');
    truncateSync(file, (megabytes + 2) * 2 ** 20);
    const table = `label: dos\nstart=1MiB, size=${megabytes}MiB, type=c\n`;
    execFileSync('sfdisk', ['--quiet', file], {
      input: table,
      env: environment,
      stdio: ['pipe', 'ignore', 'pipe'],
    });
    const place = `${file}@@1M`;
    run('mformat', [
      '-i',
      place,
      '-F',
      '-T',
      `${megabytes * 2048}`,
      '-h',
      '64',
      '-s',
      '32',
      '-v',
      'STICK',
      '::',
    ]);
    const entries = readdirSync(this.workspace.public).map((name) => path.join(this.workspace.public, name));
    run('mcopy', ['-s', '-i', place, ...entries, '::']);
  }

  /** Nobody takes an older system any more, and each has its size. What is signed has to be there all the same. */
  #emptyTargets() {
    const targets = path.join(this.workspace.targets, 'stable');
    if (!existsSync(targets)) return;
    for (const name of readdirSync(targets)) truncateSync(path.join(targets, name), 0);
  }

  async #publish() {
    await publish(this.workspace, { signers: [this.online], now: Date.now() });
  }
}

/** @param {string} folder @returns {Promise<Keys>} */
async function initialised(folder) {
  const [first, release, online] = [newKey(), newKey(), newKey()];
  /** @param {import('../../../dist/release/signer.js').NewKey} key */
  const signer = ({ privateKey, publicHex }) => signerOf(privateKey, publicHex);
  /** @param {import('../../../dist/release/signer.js').NewKey} key */
  const keys = (key) => ({ keys: [signer(key).key], threshold: 1 });
  await initialise(
    Workspace.create(folder),
    { root: keys(first), release: keys(release), online: keys(online), now: Date.now() },
    [signer(first), signer(release)],
  );
  /** @param {import('../../../dist/release/signer.js').NewKey} key */
  const text = ({ privateKey }) => privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
  return { release: text(release), online: text(online) };
}

/** @param {string} pem */
function signerIn(pem) {
  const key = createPrivateKey(pem);
  const { x = '' } = key.export({ format: 'jwk' });
  return signerOf(key, Buffer.from(x, 'base64url').toString('hex'));
}
