import { SpikescopeError } from '../../errors.ts';
import { TrustError } from '../trust/faults.ts';

/** Where a repository lies: a folder such as a stick, or a static web server. */
export interface Source {
  readonly kind: 'folder' | 'http';
  /** For people and for the journal. */
  describe(): string;
  /**
   * A file from a place on, in pieces; null where there is none.
   * @param name of the folders, then of the file, below the repository
   * @param from bytes to leave out; a source that cannot begins at the start and says so
   * @throws SpikescopeError `SOURCE_*`
   */
  open(name: readonly string[], from: number): Promise<Opened | null>;
}

export interface Opened {
  /** Where the pieces begin: what was asked for, or 0. */
  readonly from: number;
  /** Bytes of the whole file, where that is known beforehand. */
  readonly size?: number;
  readonly pieces: AsyncIterable<Uint8Array>;
}

/**
 * A whole file that fits into memory; null where there is none.
 * @throws TrustError `TRUST_TOO_LARGE` as soon as more than `limit` bytes have come
 * @throws SpikescopeError `SOURCE_*`
 */
export async function readFile(
  source: Source,
  name: readonly string[],
  limit: number,
): Promise<Uint8Array | null> {
  const opened = await source.open(name, 0);
  if (opened === null) return null;
  const pieces: Uint8Array[] = [];
  let length = 0;
  for await (const piece of opened.pieces) {
    length += piece.length;
    if (length > limit) {
      throw new TrustError('TRUST_TOO_LARGE', {
        file: name.join('/'),
        expected: `at most ${limit} bytes`,
        received: 'more',
      });
    }
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}

export function sourceFault(code: string, message: string, file: string, received: string, cause?: unknown) {
  return new SpikescopeError(code, message, {
    file,
    received,
    remedy: 'try again, or name another source with --from',
    cause,
  });
}
