import type { StorageLevel, StorageState } from '../../store/capacity.ts';

/** Says when the room for results becomes low, when there is none, and when there is enough again. */
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
    this.#say(wordsOf(level, headroom));
  }
}

function wordsOf(level: StorageLevel, headroom: number): string {
  switch (level) {
    case 'ample':
      return 'There is room for results again';
    case 'low': {
      const megabytes = Math.floor(headroom / 2 ** 20);
      return `Only ${megabytes} MiB are left for results: free space on the disk of the journal [STORAGE_LOW]`;
    }
    case 'full':
      return (
        'There is no room for results: none are captured until space is freed on the disk of the journal; ' +
        'what waits is still sent [JOURNAL_FULL]'
      );
  }
}
