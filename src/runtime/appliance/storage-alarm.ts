import type { StorageLevel, StorageState } from '../../store/capacity.ts';

/** Says when the room for results becomes low, and when there is enough again. */
export class StorageAlarm {
  readonly #journal: { storage(): StorageState };
  readonly #say: (line: string) => void;
  #level: StorageLevel = 'ample';

  constructor(journal: { storage(): StorageState }, say: (line: string) => void) {
    this.#journal = journal;
    this.#say = say;
  }

  look(): void {
    const { level, headroom } = this.#journal.storage();
    if (level === this.#level) return;
    this.#level = level;
    const megabytes = Math.floor(headroom / 2 ** 20);
    this.#say(
      level === 'ample'
        ? 'There is room for results again'
        : `Only ${megabytes} MiB are left for results: free space on the disk of the journal [STORAGE_LOW]`,
    );
  }
}
