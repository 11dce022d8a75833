/** What is installed, as others than the installer read it: of what it keeps they take what they know, and write nothing. */
import { open } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { printable } from '../errors.ts';
import { SLOTS, type Slot } from './install/contract.ts';
import { RELEASE_KINDS, type Release } from './release.ts';
import { updatesFolder } from './trust/kept-metadata.ts';

export type ReleaseKind = Release['kind'];

const slot = z.enum(SLOTS);
const occupantSchema = z.object({
  target: z.string().max(256),
  name: z.string().max(128),
  version: z.string().max(128),
  hash: z.string().max(128),
  installedAt: z.string().max(32),
  refused: z.string().nullable().catch(null),
});
type Occupant = z.infer<typeof occupantSchema>;

const kindSchema = z.object({
  active: slot.nullable(),
  slots: z.object({ a: occupantSchema.nullable().catch(null), b: occupantSchema.nullable().catch(null) }),
  pending: slot.nullable().catch(null),
  trial: z.object({ slot }).nullable().catch(null),
  /** What this device has given up, also of what lies in no slot any more. */
  refusals: z
    .array(z.object({ hash: z.string().max(128) }))
    .max(256)
    .catch([]),
});

/** A release that lies in a slot. */
export interface InstalledRelease {
  readonly target: string;
  readonly name: string;
  readonly version: string;
  /** Hexadecimal, of the file that was signed. */
  readonly hash: string;
  /** ISO 8601. */
  readonly installedAt: string;
}

export interface InstalledKind {
  /** In use; null where that is what came with the program. */
  readonly active: InstalledRelease | null;
  /** Proven, and waits for the next start. */
  readonly pending: InstalledRelease | null;
  /** What is in use is still watched. */
  readonly onTrial: boolean;
  /** What lies in a slot and was given up. */
  readonly refused: readonly (InstalledRelease & { readonly reason: string })[];
  /** Hashes of all that was given up; none of it is taken again. */
  readonly givenUp: readonly string[];
}
export type Installed = Partial<Record<ReleaseKind, InstalledKind>>;

/** Bytes of the file at most. */
const MAXIMUM_BYTES = 262_144;

export function installedFile(data: string): string {
  return path.join(updatesFolder(data), 'installed.json');
}

/** What is installed, by kind; null where there is no such file, or none that can be read. */
export async function readInstalled(data: string): Promise<Installed | null> {
  const document = await readDocument(installedFile(data));
  if (document === null) return null;
  const found = RELEASE_KINDS.flatMap((kind) => {
    const parsed = kindSchema.safeParse(findKind(document, kind));
    return parsed.success ? [[kind, viewOf(parsed.data)] as const] : [];
  });
  return found.length === 0 ? null : Object.fromEntries(found);
}

const objectSchema = z.record(z.string(), z.unknown());

async function readDocument(file: string): Promise<Record<string, unknown> | null> {
  try {
    const handle = await open(file, 'r');
    try {
      const { bytesRead, buffer } = await handle.read(Buffer.alloc(MAXIMUM_BYTES), 0, MAXIMUM_BYTES, 0);
      return objectSchema.safeParse(JSON.parse(buffer.toString('utf8', 0, bytesRead))).data ?? null;
    } finally {
      await handle.close();
    }
  } catch {
    return null;
  }
}

/** The kinds stand in the document itself, or in one of its members, as it is or as text, such as beside a digest of it. */
function findKind(document: Record<string, unknown>, kind: ReleaseKind): unknown {
  const members = [document, ...Object.values(document).map(unfolded)];
  return members.find((each) => each !== undefined && Object.hasOwn(each, kind))?.[kind];
}

function unfolded(member: unknown): Record<string, unknown> | undefined {
  try {
    return objectSchema.safeParse(typeof member === 'string' ? JSON.parse(member) : member).data;
  } catch {
    return undefined;
  }
}

function viewOf({ active, slots, pending, trial, refusals }: z.infer<typeof kindSchema>): InstalledKind {
  const at = (place: Slot | null) => (place === null ? null : releaseOf(slots[place]));
  const refused = SLOTS.flatMap((place) => {
    const occupant = slots[place];
    const release = releaseOf(occupant);
    const reason = occupant?.refused ?? null;
    return release === null || reason === null
      ? []
      : [{ ...release, reason: printable(reason).slice(0, 240) }];
  });
  return {
    active: at(active),
    pending: at(pending),
    onTrial: trial !== null,
    refused,
    givenUp: [...refused, ...refusals].map(({ hash }) => hash),
  };
}

function releaseOf(occupant: Occupant | null): InstalledRelease | null {
  if (occupant === null) return null;
  const { target, name, version, hash, installedAt } = occupant;
  return { target, name, version, hash, installedAt };
}
