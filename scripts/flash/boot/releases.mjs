/** Systems to be installed, made of the archive of an image, and the repository that a device takes them from. */
import { createHash } from 'node:crypto';
import { closeSync, copyFileSync, openSync, readSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import path from 'node:path';
import { addRelease, describeRelease } from '../../../dist/release/add-release.js';
import { initialise } from '../../../dist/release/drafts.js';
import { publish } from '../../../dist/release/publish.js';
import { newKey, signerOf } from '../../../dist/release/signer.js';
import { Workspace } from '../../../dist/release/workspace.js';
import { roleOfChannel } from '../../../dist/updates/release.js';
import { openSystemArchive } from '../../../dist/updates/system/archive.js';
import { run } from './disk.mjs';

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

/** A repository with keys in memory, as an office has one. */
export class Office {
  /** @param {string} folder */
  static async open(folder) {
    const [first, release, online] = [newSigner(), newSigner(), newSigner()];
    const workspace = Workspace.create(path.join(folder, 'repository'));
    const keys = (/** @type {ReturnType<typeof newSigner>} */ signer) => ({
      keys: [signer.key],
      threshold: 1,
    });
    await initialise(
      workspace,
      { root: keys(first), release: keys(release), online: keys(online), now: Date.now() },
      [first, release],
    );
    return new Office(workspace, release, online);
  }

  /**
   * @param {Workspace} workspace @param {ReturnType<typeof newSigner>} release @param {ReturnType<typeof newSigner>}
   * online
   */
  constructor(workspace, release, online) {
    this.workspace = workspace;
    this.release = release;
    this.online = online;
  }

  /** @param {string} file an archive of a system; null to publish the root alone */
  async publish(file) {
    if (file !== '') {
      const words = {
        ...{
          kind: /** @type {const} */ ('system'),
          name: null,
          version: null,
          hardware: ['any'],
          cards: [],
          from: '0.1.0',
        },
        ...{ before: null, journal: 2, notes: '', change: 'a test', proof: null, learning: null },
      };
      const release = await describeRelease(file, words);
      await addRelease(this.workspace, { file, ...roleOfChannel('stable'), release, now: Date.now() }, [
        this.release,
      ]);
    }
    await publish(this.workspace, { signers: [this.online], now: Date.now() });
  }

  /** Published files: any static server has them. */
  get folder() {
    return this.workspace.public;
  }
}

function newSigner() {
  const { privateKey, publicHex } = newKey();
  return signerOf(privateKey, publicHex);
}
