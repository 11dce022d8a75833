/** What a device has recorded, as evidence: copies with digests, of which every common program makes sure. */
import { execFile } from 'node:child_process';
import { sign } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { reasonOf, SpikescopeError } from '../../errors.ts';
import { programVersion } from '../../program-version.ts';
import { flushFolder, writeFlushed } from '../../store/durable-file.ts';
import { copyJournalFile, verifyJournalFile } from '../../store/inspect.ts';
import type { Verification } from '../../store/verify.ts';
import { sha256 } from '../../updates/trust/floors.ts';
import { headBesideMetadata } from '../../updates/trust/kept-metadata.ts';

/** Beside the journal: who the device is, how far its chain had come, what it has learned and installed. */
const BESIDE =
  /^(device\.json|journal\.head|head-[0-9a-f]{12}\.spikescope-delta|updates\/(installed|metadata)\.json)$/;

export interface EvidenceRequest {
  /** The journal's file. */
  readonly journal: string;
  /** Folder in which a new one is made. */
  readonly to: string;
  /** Key that signs, PEM; null without a signature. */
  readonly key: string | null;
}

export interface EvidenceOutcome {
  readonly folder: string;
  readonly files: readonly string[];
  /** Whether the chain of records holds. */
  readonly sound: boolean;
}

/**
 * Copies, and never stops the appliance for it. `SHA256SUMS` names every file, for `sha256sum --check`; `SHA256SUMS.sig` is
 * its signature (ECDSA, SHA-256, DER), for `openssl dgst -sha256 -verify`.
 * @throws SpikescopeError `EXPORT`, `JOURNAL_*`
 */
export async function exportEvidence({ journal, to, key }: EvidenceRequest): Promise<EvidenceOutcome> {
  const data = path.dirname(journal);
  const verification = verifyJournalFile(journal, null, await headBesideMetadata(data));
  try {
    const folder = newFolder(to);
    copyJournalFile(journal, path.join(folder, 'journal.sqlite'));
    const beside = besideJournal(data);
    for (const name of beside) copyFileSync(path.join(data, name), path.join(folder, path.basename(name)));
    await writeFlushed(path.join(folder, 'verification.json'), statement(verification));
    const log = await systemLog();
    if (log !== null) await writeFlushed(path.join(folder, 'system.log'), log);
    const names = [
      ...['journal.sqlite', ...beside.map((name) => path.basename(name)), 'verification.json'],
      ...(log === null ? [] : ['system.log']),
    ];
    const sums = await sumsOf(folder, names);
    await writeFlushed(path.join(folder, 'SHA256SUMS'), sums);
    const signed = key === null ? [] : ['SHA256SUMS.sig'];
    if (key !== null) await writeFlushed(path.join(folder, 'SHA256SUMS.sig'), signatureOf(sums, key));
    await flushFolder(folder);
    return { folder, files: [...names, 'SHA256SUMS', ...signed], sound: verification.sound };
  } catch (cause) {
    if (cause instanceof SpikescopeError) throw cause;
    throw new SpikescopeError('EXPORT', 'The journal cannot be exported', {
      file: to,
      received: reasonOf(cause),
      remedy: 'give a folder or stick with room that can be written, and a key of this device',
      cause,
    });
  }
}

function besideJournal(data: string): string[] {
  const updates = path.join(data, 'updates');
  const below = existsSync(updates) ? readdirSync(updates).map((name) => `updates/${name}`) : [];
  return [...readdirSync(data), ...below].filter((name) => BESIDE.test(name)).sort();
}

/** One that is not there yet: what was exported before is not touched. */
function newFolder(to: string): string {
  const stamp = new Date().toISOString().replace(/[-:]|\.\d+/g, '');
  const folder = path.join(to, `spikescope-${stamp}`);
  mkdirSync(folder, { mode: 0o700 });
  return folder;
}

function statement(verification: Verification): string {
  const facts = { at: new Date().toISOString(), version: programVersion(), verification };
  return `${JSON.stringify(facts, null, 2)}\n`;
}

/** What systemd has in its log of this start; null where there is none, or it may not be read. */
async function systemLog(): Promise<string | null> {
  return promisify(execFile)('journalctl', ['--boot', '--no-pager', '--output=short-iso-precise'], {
    timeout: 60_000,
    maxBuffer: 2 ** 27,
  }).then(
    ({ stdout }) => stdout,
    () => null,
  );
}

async function sumsOf(folder: string, names: readonly string[]): Promise<string> {
  const lines = await Promise.all(
    names.map(async (name) => `${sha256(await readFile(path.join(folder, name)))}  ${name}\n`),
  );
  return lines.join('');
}

function signatureOf(text: string, key: string): Buffer {
  return sign('sha256', Buffer.from(text), readFileSync(key, 'utf8'));
}
