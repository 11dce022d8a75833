import { z } from 'zod';
import { firstIssue } from '../schema.ts';

/** Who gets a release first: `trial` devices, then all. Each is signed with keys of its own. */
export const CHANNELS = ['stable', 'trial'] as const;
export type Channel = (typeof CHANNELS)[number];

/** What of a device a release replaces. */
export const RELEASE_KINDS = ['model', 'application', 'configuration', 'system'] as const;

/** A name of a site, of a release, of a file: safe in any file system and address. */
export const plainName = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._+-]{0,127}$/);
const visible = (length: number) =>
  z
    .string()
    .max(length)
    .regex(/^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u, 'visible characters');
const versionNumber = z.string().regex(/^\d{1,6}\.\d{1,6}\.\d{1,6}$/, 'a version such as 1.2.3');

/** What a release may have done with the learned head. */
export const LEARNING = ['refit', 'park'] as const;

/** A figure, as a number or as text: metadata that is signed has no fractions. */
const figure = (least: number, most: number) =>
  z
    .union([
      z.number(),
      z
        .string()
        .regex(/^\d{1,5}(\.\d{1,9})?$/, 'a number')
        .transform(Number),
    ])
    .pipe(z.number().min(least).max(most));

/** Figures that a release asks of the device that it is for. */
export const demandsSchema = z.strictObject({
  /** Of the bundle's own hold-out set, 0…1, at least. */
  balancedAccuracy: figure(0, 1).optional(),
  triageSensitivity: figure(0, 1).optional(),
  /** Median of one image on the processor of the device, milliseconds, at most. */
  latency: figure(1e-6, 60_000).optional(),
});

/** What is signed with a target beside its length and hashes: what it is, and which devices may take it. */
export const releaseSchema = z.strictObject({
  schema: z.literal('spikescope/release/1'),
  kind: z.enum(RELEASE_KINDS),
  name: plainName,
  version: plainName,
  compatible: z.strictObject({
    /** Kinds of hardware, such as `raspberry-pi-5`; `any` for all. */
    hardware: z.array(plainName).min(1).max(32),
    /** Cards of which one must be there, such as `akd1000`; none for a release that needs no card. */
    cards: z.array(plainName).max(32),
    /** Versions of the application that it works with: from the first, and before the second. */
    application: z.strictObject({ from: versionNumber, before: versionNumber.optional() }),
  }),
  /** The oldest schema of the journal that it works with. */
  journal: z.int().min(1).max(1_000),
  /** What a model must reach on the device itself before it is used; absent figures are not asked for. */
  proof: demandsSchema.optional(),
  /** What becomes of the learned head: fitted again to this model where that can be, or kept for the model before. */
  learning: z.enum(LEARNING).optional(),
  /** For the technician. Lines end with a line feed. */
  notes: z
    .string()
    .max(8_000)
    .transform((text) => text.replace(/[^\P{C}\n]/gu, ' ')),
  /** Under which the change was approved. */
  change: visible(200),
});
export type Release = z.infer<typeof releaseSchema>;

/** In the `custom` field of a target that is the bill of materials of a release, beside `of`, the name of that. */
export const SBOM_SCHEMA = 'spikescope/sbom/1';
const companion = z.looseObject({ schema: z.literal(SBOM_SCHEMA) });

/** Whether a target goes with a release, and is none itself. */
export function isCompanion(custom: unknown): boolean {
  return companion.safeParse(custom).success;
}

/** A release in the `custom` field of a target, or what is wrong with it. */
export function parseRelease(custom: unknown): Release | string {
  const parsed = releaseSchema.safeParse(custom);
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  return `${field}: ${problem}`;
}

/** A release as it is signed. */
export function signedForm({ proof, ...release }: Release): object {
  if (proof === undefined) return release;
  const texts = Object.entries(proof).flatMap(([name, value]) =>
    value === undefined ? [] : [[name, decimal(value)]],
  );
  return { ...release, proof: Object.fromEntries(texts) };
}

/** Never in powers of ten. */
function decimal(value: number): string {
  return value.toFixed(9).replace(/\.?0+$/, '');
}

/** The role that answers for a channel or a site, and the targets that it may sign. */
export function roleOfChannel(channel: Channel): { role: string; prefix: string } {
  return { role: channel, prefix: `${channel}/` };
}

export function roleOfSite(site: string): { role: string; prefix: string } {
  return { role: `site-${site}`, prefix: `sites/${site}/` };
}
