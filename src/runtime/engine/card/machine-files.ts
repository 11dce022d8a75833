/** What the system says in small files below /sys, /proc, /dev and others; tests lay out a tree of their own. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import path from 'node:path';

/** The files below one root. What is not there, or cannot be read, is null or nothing. */
export class MachineFiles {
  readonly root: string;

  /** @param root usually / */
  constructor(root: string) {
    this.root = root;
  }

  /** Where a file of the machine lies. @param file without the first slash */
  at(file: string): string {
    return path.join(this.root, file);
  }

  /** Without the white space around it. */
  async text(file: string): Promise<string | null> {
    return readFile(this.at(file), 'utf8').then(
      (text) => text.replaceAll('\0', '').trim(),
      () => null,
    );
  }

  async wholeNumber(file: string): Promise<number | null> {
    const text = await this.text(file);
    return text !== null && /^\d+$/.test(text) ? Number(text) : null;
  }

  async bytes(file: string): Promise<Uint8Array | null> {
    return readFile(this.at(file)).catch(() => null);
  }

  /** Names in a folder, in their order. */
  async names(folder: string): Promise<string[]> {
    return readdir(this.at(folder)).then(
      (names) => names.sort(),
      () => [],
    );
  }

  /** The last name of what a link points to. */
  async linkName(link: string): Promise<string | null> {
    return readlink(this.at(link)).then(
      (target) => path.basename(target),
      () => null,
    );
  }
}
