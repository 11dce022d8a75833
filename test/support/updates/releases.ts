import { createHash, randomUUID } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import type { Journal } from '../../../src/store/journal.ts';
import type { Proof, Prove } from '../../../src/updates/install/contract.ts';
import type { Fetched, InstallerOptions } from '../../../src/updates/install/installer.ts';
import type { Operation } from '../../../src/updates/records.ts';
import { releaseOf } from './office.ts';

export const OPERATION: Operation = { id: randomUUID(), source: 'test', by: 'test' };

/** Content of the release of a number. */
export function contentOf(number: number): Buffer {
  return Buffer.alloc(3_000 + number, `release ${number} `);
}

/** A release as it lies there when it was fetched. */
export function fetchedRelease(folder: string, number: number): Fetched {
  const content = contentOf(number);
  const file = path.join(folder, `fetched-${number}`);
  writeFileSync(file, content);
  return {
    target: {
      name: `stable/model-1.0.${number}.bin`,
      length: content.length,
      hashes: new Map([['sha256', createHash('sha256').update(content).digest('hex')]]),
      place: ['targets', 'stable', `model-1.0.${number}.bin`],
      keys: [],
      role: 'stable',
      custom: {},
    },
    release: releaseOf(`1.0.${number}`),
    file,
  };
}

export function proofOf(passed: boolean): Proof {
  return { passed, items: [{ name: 'golden.cpu', passed, measured: passed ? 1 : 0.5, required: '1' }] };
}

export const proving =
  (passed: boolean): Prove =>
  async () =>
    proofOf(passed);

export function installerOptions(data: string, journal: Journal, prove: Prove): InstallerOptions {
  return { data, journal, operation: OPERATION, prove };
}
