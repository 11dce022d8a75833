import path from 'node:path';
import { programVersion } from '../../program-version.ts';
import { boardFacts } from '../../runtime/appliance/first-boot/places.ts';
import { replaceDurably, writeFlushed } from '../../store/durable-file.ts';
import { forAnyEditor } from '../shared/plain-text.ts';
import type { Finding } from './check.ts';

const WORDS = { works: 'works', absent: 'not here', broken: 'BROKEN', unknown: 'unknown' } as const;

/** A report for a technician with any laptop: doctor.txt to be read, doctor.json for programs, each whole at any time. */
export async function writeReport(folder: string, findings: readonly Finding[]): Promise<void> {
  const { board, serial } = boardFacts();
  const at = new Date().toISOString();
  const facts = { at, version: programVersion(), board, serial };
  const put = (name: string, text: string) =>
    replaceDurably(path.join(folder, name), path.join(folder, `${name}.new`), (fresh) =>
      writeFlushed(fresh, text),
    );
  await put('doctor.json', `${JSON.stringify({ ...facts, findings }, null, 2)}\n`);
  await put('doctor.txt', reportText(facts, findings));
}

interface Facts {
  readonly at: string;
  readonly version: string;
  readonly board: string | null;
  readonly serial: string | null;
}

export function reportText({ at, version, board, serial }: Facts, findings: readonly Finding[]): string {
  const broken = findings.filter(({ state }) => state === 'broken');
  return forAnyEditor([
    'spikescope doctor',
    '',
    `time      ${at} (of the device's clock)`,
    `version   ${version}`,
    `board     ${board ?? 'unknown'}`,
    `serial    ${serial ?? 'unknown'}`,
    '',
    broken.length === 0
      ? 'Nothing is broken.'
      : `${broken.length} broken: ${[...new Set(broken.map(({ part }) => part))].join(', ')}`,
    '',
    ...findings.flatMap(({ part, state, detail, remedy }) => [
      `${part.padEnd(13)} ${WORDS[state].padEnd(9)} ${detail}`,
      ...(remedy !== undefined && state !== 'works' ? [`${' '.repeat(24)}-> ${remedy}`] : []),
    ]),
  ]);
}
