import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { copyFile, stat } from 'node:fs/promises';
import path from 'node:path';
import { TargetFile } from '@tufjs/models';
import { RefusedError, reasonOf, SpikescopeError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { readBundle } from '../model/bundle/read.ts';
import { parseRelease, type Release, SBOM_SCHEMA, signedForm } from '../updates/release.ts';
import { openSystemArchive } from '../updates/system/archive.ts';
import { SYSTEM_NAME } from '../updates/system/places.ts';
import { nextVersion, openQuorums, saveSigned } from './drafts.ts';
import type { Quorum } from './signatures.ts';
import type { Signer } from './signer.ts';
import type { Workspace } from './workspace.ts';

/** What is said of a release that does not stand in the file itself. */
export interface ReleaseWords {
  readonly kind: Release['kind'];
  /** Of what carries no name of its own; a model's bundle and the archive of a system do. */
  readonly name: string | null;
  readonly version: string | null;
  readonly hardware: readonly string[];
  readonly cards: readonly string[];
  readonly from: string;
  readonly before: string | null;
  /** The oldest schema of the journal that it works with. */
  readonly journal: number;
  readonly notes: string;
  readonly change: string;
  /** Figures asked of the device, and what becomes of what was learned there; null where nothing is said of them. */
  readonly proof: NonNullable<Release['proof']> | null;
  readonly learning: NonNullable<Release['learning']> | null;
}

/** Of the boards that images are built for, what a device of theirs calls itself. */
const HARDWARE: Readonly<Record<string, string>> = { pi5: 'raspberry-pi-5', virt: 'linux-dummy-virt' };

/** What the file of a release says of itself. */
interface OwnWords {
  readonly name: string;
  readonly version: string;
  /** Null where it says nothing of that. */
  readonly hardware: readonly string[] | null;
}

async function ownWordsOf(file: string, kind: Release['kind']): Promise<OwnWords | null> {
  if (kind === 'model') {
    const { name, version } = await readBundle(file);
    return { name, version, hardware: null };
  }
  if (kind !== 'system') return null;
  const { version, board } = (await openSystemArchive(file)).description;
  return { name: SYSTEM_NAME, version, hardware: [HARDWARE[board] ?? board] };
}

/**
 * The description of a release, as it will be signed. @throws RefusedError `BUNDLE_*`, `SYSTEM_ARCHIVE`,
 * `RELEASE_DESCRIPTION`
 */
export async function describeRelease(file: string, words: ReleaseWords): Promise<Release> {
  const own = await ownWordsOf(file, words.kind);
  const { hardware, cards, from, before, journal, notes, change, kind, proof, learning } = words;
  return checkedRelease(file, {
    schema: 'spikescope/release/1',
    kind,
    name: words.name ?? own?.name,
    version: words.version ?? own?.version,
    compatible: {
      hardware: hardware.includes('any') ? (own?.hardware ?? hardware) : hardware,
      cards,
      application: { from, ...(before !== null && { before }) },
    },
    journal,
    notes,
    change,
    ...(proof !== null && { proof }),
    ...(learning !== null && { learning }),
  });
}

/** @throws RefusedError `RELEASE_DESCRIPTION` */
export function checkedRelease(file: string, document: unknown): Release {
  const release = parseRelease(document);
  if (typeof release !== 'string') return release;
  throw new RefusedError('RELEASE_DESCRIPTION', 'The release is not described as it must be', {
    file,
    received: release,
    remedy: 'give what is missing as an option: --name, --release-version, --notes, --change',
  });
}

export interface Addition {
  readonly file: string;
  /** The channel or site that releases it, and where its targets lie. */
  readonly role: string;
  readonly prefix: string;
  readonly release: Release;
  readonly now: number;
}

export interface Added {
  readonly target: string;
  /** Bytes. */
  readonly length: number;
  readonly sha256: string;
  readonly open: readonly Quorum[];
}

/** Puts a file among the targets of a role, in a draft. @throws SpikescopeError `REPOSITORY_UNWRITABLE` */
export async function addRelease(
  workspace: Workspace,
  addition: Addition,
  signers: readonly Signer[],
): Promise<Added> {
  const { file, release } = addition;
  const base = `${release.name}-${release.version}${endingOf(file)}`;
  return addTarget(workspace, { ...addition, base, custom: signedForm(release) }, signers);
}

/**
 * Puts the bill of materials of a release beside it, `NAME-VERSION.cdx.json`, signed as the release is. Devices do not take
 * it for a release.
 * @throws SpikescopeError `REPOSITORY_UNWRITABLE`
 */
export async function addBillOfMaterials(
  workspace: Workspace,
  addition: Addition & { readonly of: string },
  signers: readonly Signer[],
): Promise<Added> {
  const { release, of } = addition;
  const base = `${release.name}-${release.version}.cdx.json`;
  return addTarget(workspace, { ...addition, base, custom: { schema: SBOM_SCHEMA, of } }, signers);
}

interface NewTarget extends Addition {
  readonly base: string;
  readonly custom: object;
}

async function addTarget(
  workspace: Workspace,
  { file, role, prefix, now, base, custom }: NewTarget,
  signers: readonly Signer[],
): Promise<Added> {
  const draft = nextVersion(workspace, role, now);
  const { length, sha256 } = await hashOf(file);
  const target = `${prefix}${base}`;
  const stored = path.join(workspace.targets, prefix, `${sha256}.${base}`);
  try {
    makeFolder(path.dirname(stored));
    await copyFile(file, stored);
    if ((await hashOf(stored)).sha256 !== sha256) throw new Error('the copy is not what was read');
  } catch (cause) {
    throw new SpikescopeError('REPOSITORY_UNWRITABLE', 'The repository cannot be written', {
      file: stored,
      received: reasonOf(cause),
      remedy: 'check the permissions and the space of its folder',
      cause,
    });
  }
  const unrecognizedFields = { custom: JSON.parse(JSON.stringify(custom)) };
  draft.signed.addTarget(new TargetFile({ path: target, length, hashes: { sha256 }, unrecognizedFields }));
  await saveSigned(workspace, role, draft, signers);
  return { target, length, sha256, open: openQuorums(workspace) };
}

/** An archive has two. */
function endingOf(file: string): string {
  return /\.tar\.[a-z0-9]+$/.exec(file)?.[0] ?? path.extname(file);
}

async function hashOf(file: string): Promise<{ length: number; sha256: string }> {
  const hash = createHash('sha256');
  try {
    if (!(await stat(file)).isFile()) throw new Error('not a regular file');
    let length = 0;
    for await (const piece of createReadStream(file)) {
      hash.update(piece);
      length += piece.length;
    }
    return { length, sha256: hash.digest('hex') };
  } catch (cause) {
    throw new RefusedError('RELEASE_FILE', 'What is to be released cannot be read', {
      file,
      received: reasonOf(cause),
      remedy: 'give the path of a file',
      cause,
    });
  }
}
