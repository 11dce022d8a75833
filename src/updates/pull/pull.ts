import { RefusedError, SpikescopeError } from '../../errors.ts';
import type { Fetched } from '../install/installer.ts';
import type { Subscription } from '../offers.ts';
import type { UpdateProgress } from '../progress.ts';
import type { Release } from '../release.ts';
import type { MeteredSource } from '../source/metered.ts';
import type { Target } from '../target.ts';
import type { Repository, Updates } from '../updates.ts';
import { chooseReleases, type Present } from './choose.ts';
import { persist } from './persist.ts';

/** What became of a release that was installed: it waits for the next start, or is in use already. */
export type InstallOutcome = 'pending' | 'active';

/** Puts releases into use. */
export interface Installing {
  /**
   * Asked before bytes are moved: whether a release is to be brought here.
   * @throws RefusedError where it may not be installed now
   */
  admits(target: Target, release: Release): Promise<boolean>;
  /** Called when what is trusted of the source is kept. @throws RefusedError where the device is as it was before */
  install(fetched: Fetched): Promise<InstallOutcome>;
}

/** A release that was taken. */
export interface Taken {
  readonly target: string;
  readonly kind: Release['kind'];
  readonly name: string;
  readonly version: string;
  /** Bytes. */
  readonly length: number;
  readonly outcome: 'staged' | InstallOutcome;
}

export type Pulled =
  | { readonly outcome: 'up-to-date' | 'staged' | InstallOutcome; readonly taken: readonly Taken[] }
  | { readonly outcome: 'older'; readonly expected: string; readonly received: string }
  /** The hours in which the network may be used are over; what has come is kept. */
  | { readonly outcome: 'window-over'; readonly taken: readonly Taken[] };

export interface PullOptions {
  readonly updates: Updates;
  readonly source: MeteredSource;
  readonly subscription: Subscription;
  /** Read before each choice. */
  readonly present: () => Promise<Present>;
  /** Null where nothing installs: releases are brought here and verified, no more. */
  readonly installing: Installing | null;
  readonly progress: Pick<UpdateProgress, 'tell'>;
  /** Why what has expired is taken from a stick all the same. */
  readonly acceptExpired?: string | null;
  readonly sleep?: (milliseconds: number) => Promise<unknown>;
}

/**
 * One pass without a person: brings what is trusted up to date, and takes of each kind the newest release that fits. What
 * the network ends is taken up again; that one release is refused keeps no other away.
 * @throws RefusedError `TRUST_*`, `TARGET_*`, the installer's @throws SpikescopeError `SOURCE_*`, `STAGING`, `JOURNAL_*`
 */
export async function pull(options: PullOptions): Promise<Pulled> {
  const pass = new Pass(options);
  try {
    for (;;) {
      const step = await pass.next();
      if (step === null) break;
      if (step !== 'taken') return step;
    }
  } catch (error) {
    if (!(error instanceof SpikescopeError) || error.code !== 'SOURCE_WINDOW') throw error;
    return { outcome: 'window-over', taken: pass.taken };
  }
  if (pass.refused !== null) throw pass.refused;
  return { outcome: outcomeOf(pass.taken), taken: pass.taken };
}

class Pass {
  readonly taken: Taken[] = [];
  /** The first release that was refused. */
  refused: RefusedError | null = null;
  readonly #options: PullOptions;
  readonly #handled = new Set<string>();
  #current: string | null = null;

  constructor(options: PullOptions) {
    this.#options = options;
  }

  /** Takes one more release; null where none is left. */
  async next(): Promise<'taken' | Extract<Pulled, { outcome: 'older' }> | null> {
    this.#current = null;
    try {
      const fetched = await this.#fetchOne();
      if (fetched === null) return null;
      if ('outcome' in fetched) return fetched;
      this.taken.push(await this.#install(fetched));
    } catch (error) {
      // Refused before a release was chosen: it is the repository that is not trusted.
      if (!(error instanceof RefusedError) || this.#current === null) throw error;
      this.#handled.add(this.#current);
      this.refused ??= error;
    }
    return 'taken';
  }

  async #fetchOne(): Promise<Fetched | Extract<Pulled, { outcome: 'older' }> | null> {
    const { updates, source, acceptExpired = null, sleep } = this.#options;
    const used = await persist(
      () => updates.use(source, (repository) => this.#fetchFrom(repository), { acceptExpired }),
      { bytes: () => source.bytes, ...(sleep && { sleep }) },
    );
    return used.outcome === 'older' ? used : used.result;
  }

  async #fetchFrom(repository: Repository): Promise<Fetched | null> {
    const { subscription, present, installing } = this.#options;
    this.#current = null;
    const offers = await repository.offers(subscription);
    for (const { target, release } of chooseReleases(offers, await present())) {
      if (this.#handled.has(target.name)) continue;
      this.#current = target.name;
      if ((await installing?.admits(target, release)) !== false) {
        return { target, release, file: await this.#bring(repository, target) };
      }
      this.#handled.add(target.name);
    }
    return null;
  }

  async #bring(repository: Repository, { name, length, ...target }: Target): Promise<string> {
    const tell = (done: number): void =>
      this.#options.progress.tell({ stage: 'fetch', target: name, done, of: length });
    tell(0);
    return repository.fetch({ name, length, ...target }, { onProgress: tell });
  }

  async #install({ target, release, file }: Fetched): Promise<Taken> {
    const { kind, name, version } = release;
    const outcome = (await this.#options.installing?.install({ target, release, file })) ?? 'staged';
    this.#handled.add(target.name);
    return { target: target.name, kind, name, version, length: target.length, outcome };
  }
}

/** What is most for a person to know: something waits, lies here, or is in use. */
function outcomeOf(taken: readonly Taken[]): 'up-to-date' | Taken['outcome'] {
  const outcomes = taken.map(({ outcome }) => outcome);
  return (['pending', 'staged', 'active'] as const).find((each) => outcomes.includes(each)) ?? 'up-to-date';
}
