import { randomUUID } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import path from 'node:path';
import { reasonOf, SpikescopeError, UsageError } from '../../errors.ts';
import { openDeviceJournal } from '../../store/device-journal.ts';

/** Bytes of a result as they are published, about. */
const PAYLOAD_BYTES = 1050;

export interface CardWear {
  readonly captures: number;
  /** Bytes that reach the medium for each capture. */
  readonly written: number;
  /** Bytes of these that the journal keeps. */
  readonly kept: number;
  /** Milliseconds for each capture. */
  readonly milliseconds: number;
}

/**
 * Bytes that reach the medium for each capture that is recorded and acknowledged: what an SD card's life depends on. As
 * the kernel counts what this process has it write.
 * @param before captures that the journal holds already
 * @param folder on a real disk: what lies in memory is never written
 * @throws UsageError `WEAR_FOLDER`; SpikescopeError `WRITTEN_BYTES` where the kernel does not count
 */
export function measureCardWear(captures: number, before: number, folder: string): CardWear {
  const data = scratchFolder(folder);
  const file = path.join(data, 'journal.sqlite');
  try {
    record(data, before);
    const [writtenBefore, sizeBefore, started] = [writtenBytes(), statSync(file).size, performance.now()];
    record(data, captures);
    const elapsed = performance.now() - started;
    const written = writtenBytes() - writtenBefore;
    if (written === 0) throw noDisk(folder, 'a folder in memory: nothing is written');
    return {
      captures,
      written: Math.round(written / captures),
      kept: Math.round((statSync(file).size - sizeBefore) / captures),
      milliseconds: Number((elapsed / captures).toFixed(2)),
    };
  } finally {
    rmSync(data, { recursive: true });
  }
}

function scratchFolder(folder: string): string {
  try {
    return mkdtempSync(path.join(folder, 'card-wear-'));
  } catch (cause) {
    throw noDisk(folder, reasonOf(cause), cause);
  }
}

function noDisk(folder: string, received: string, cause?: unknown): UsageError {
  return new UsageError('WEAR_FOLDER', 'Wear cannot be measured there', {
    file: folder,
    field: '--folder',
    expected: 'a folder on a disk, which this user may write',
    received,
    cause,
  });
}

function record(data: string, captures: number): void {
  const { journal } = openDeviceJournal(data);
  for (let capture = 0; capture < captures; capture++) {
    const id = randomUUID();
    const payload = JSON.stringify({ id, filler: 'x'.repeat(PAYLOAD_BYTES - 60) });
    journal.append({ id, capturedAt: new Date().toISOString(), payload, session: 'patient' });
    journal.acknowledge(journal.waiting(1));
  }
  journal.close();
}

function writtenBytes(): number {
  const counters = '/proc/self/io';
  try {
    const bytes = Number(/^write_bytes: (\d+)$/m.exec(readFileSync(counters, 'utf8'))?.[1]);
    if (Number.isFinite(bytes)) return bytes;
    throw new Error('no write_bytes');
  } catch (cause) {
    throw new SpikescopeError('WRITTEN_BYTES', 'The kernel does not count what is written', {
      file: counters,
      expected: 'Linux with task input and output accounting',
      received: reasonOf(cause),
      cause,
    });
  }
}
