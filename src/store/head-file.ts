import { createHash } from 'node:crypto';
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeSync } from 'node:fs';
import path from 'node:path';
import type { ChainHead } from './verify.ts';

/** Bytes of a slot, each on a page of its own: a write that power loss tears spoils one of them. */
const SLOT = 4096;
const SLOTS = 2;
/** Characters of a slot: they fit into one sector. */
const PATTERN = /^(\d{1,15}):([0-9a-f]{64}) ([0-9a-f]{16})\n/;

/** The file beside a journal that says how far its chain had come. */
export function headFileOf(journal: string): string {
  return path.join(path.dirname(journal), `${path.basename(journal, '.sqlite')}.head`);
}

/**
 * The end of a journal's chain, kept outside of it: what is lost from the journal is missed by this. It is written after
 * each commit, into two slots in turn, and left to the system to flush: it may fall behind the journal, at most by what
 * the system had not written at a power loss, and is never ahead of it. That costs a page now and then, not one a commit.
 */
export class HeadFile {
  readonly #file: string;
  #descriptor: number | null = null;
  #slot = 0;

  constructor(journal: string) {
    this.#file = headFileOf(journal);
  }

  /** Which head was written last; null where there is no file, or nothing whole in it. */
  static read(journal: string): ChainHead | null {
    return readSlots(headFileOf(journal)).reduce<ChainHead | null>(
      (newest, { head }) => (head !== null && head.sequence >= (newest?.sequence ?? 0) ? head : newest),
      null,
    );
  }

  /** Begins with this head and no other, whatever was there. Durable when it returns. */
  reset(head: ChainHead): void {
    this.close();
    const fresh = `${this.#file}.new`;
    const descriptor = openSync(fresh, 'w', 0o600);
    try {
      for (let slot = 0; slot < SLOTS; slot++) writeSync(descriptor, textOf(head), slot * SLOT, 'latin1');
      fsyncSync(descriptor);
      renameSync(fresh, this.#file);
      flushFolder(path.dirname(this.#file));
    } catch (error) {
      rmSync(fresh, { force: true });
      throw error;
    } finally {
      closeSync(descriptor);
    }
  }

  /**
   * Notes how far a commit has brought the chain. It never throws: the commit is done, and a head that falls behind
   * does no harm.
   */
  note(head: ChainHead): void {
    try {
      this.#descriptor ??= this.#open();
      writeSync(this.#descriptor, textOf(head), this.#slot * SLOT, 'latin1');
      this.#slot = (this.#slot + 1) % SLOTS;
    } catch {
      // The next commit tries again.
    }
  }

  close(): void {
    if (this.#descriptor === null) return;
    try {
      fsyncSync(this.#descriptor);
    } catch {
      // As above: it falls behind.
    }
    closeSync(this.#descriptor);
    this.#descriptor = null;
  }

  /** The older slot is the next to be written. */
  #open(): number {
    const [first, second] = readSlots(this.#file);
    this.#slot = (first.head?.sequence ?? -1) > (second.head?.sequence ?? -1) ? 1 : 0;
    return openSync(this.#file, 'r+');
  }
}

function readSlots(file: string): { head: ChainHead | null }[] {
  let text = '';
  try {
    text = readFileSync(file, 'latin1');
  } catch {
    // No file, or one that cannot be read: no head either way.
  }
  return Array.from({ length: SLOTS }, (_, slot) => ({
    head: parsed(text.slice(slot * SLOT, (slot + 1) * SLOT)),
  }));
}

function parsed(text: string): ChainHead | null {
  const match = PATTERN.exec(text);
  if (match === null) return null;
  const head = { sequence: Number(match[1]), digest: match[2] };
  return match[3] === checkOf(head) ? head : null;
}

function textOf(head: ChainHead): string {
  return `${head.sequence}:${head.digest} ${checkOf(head)}\n`;
}

/** Tells a whole slot from a torn one. */
function checkOf({ sequence, digest }: ChainHead): string {
  return createHash('sha256').update(`${sequence}:${digest}`).digest('hex').slice(0, 16);
}

/** Makes what was created or renamed in a folder durable. */
export function flushFolder(folder: string): void {
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
