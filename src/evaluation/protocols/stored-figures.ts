/**
 * Figures of a model by protocol, kept in a small JSON beside its bundle so that a report can show both protocols
 * although a run measures one. `qana64.spikescope` has them in `qana64.protocols.json`.
 */
import { z } from 'zod';
import { RefusedError } from '../../errors.ts';
import { readJsonFile } from '../../json-file.ts';
import type { ModelIdentity } from '../../model/bundle/bundle.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';
import type { Figures } from '../../statistics/figures.ts';

export const PROTOCOLS = ['lesion', 'paper'] as const;
/** `lesion`: no lesion in two splits, nothing fitted on test. `paper`: the publication's own procedure, which leaks. */
export type Protocol = (typeof PROTOCOLS)[number];

const share = z.number().min(0).max(1);
const interval = z.tuple([share, share]).readonly().nullable();

const figuresSchema = z.strictObject({
  /** Images or rows behind the figures. */
  n: z.int().min(1),
  top1: share,
  macroF1: share,
  balancedAccuracy: share,
  macroAuc: share.nullable(),
  ece: share,
  /** 95 % bootstrap intervals over lesions. */
  intervals: z.strictObject({
    top1: interval,
    macroF1: interval,
    balancedAccuracy: interval,
    macroAuc: interval,
    ece: interval,
  }),
});
export type ProtocolFigures = z.infer<typeof figuresSchema>;

const lesionSchema = z.strictObject({
  /** Of the bundle that was measured. */
  digest: z.string(),
  split: z.string(),
  figures: figuresSchema,
});

const paperSchema = z.strictObject({
  /** How the network was trained that these are about: not the bundle, but one of its architecture. */
  training: z.strictObject({
    network: z.string(),
    /** Side of its images, pixels. */
    inputSize: z.int().min(1),
    epochs: z.int().min(0),
    seed: z.int().min(0),
    /** Images that SMOTE made of pixels. */
    syntheticImages: z.int().min(0),
  }),
  leakage: z.strictObject({
    trainRows: z.int().min(0),
    testRows: z.int().min(0),
    copies: share,
    sharedImage: share,
    sharedLesion: share,
  }),
  figures: figuresSchema,
});
export type LesionEntry = z.infer<typeof lesionSchema>;
export type PaperEntry = z.infer<typeof paperSchema>;

const fileSchema = z.strictObject({
  format: z.literal(1),
  model: z.strictObject({ name: z.string(), version: z.string() }),
  lesion: lesionSchema.nullable(),
  paper: paperSchema.nullable(),
});
export type StoredFigures = z.infer<typeof fileSchema>;

/** Where the figures of a bundle lie. */
export function storedFiguresFile(bundleFile: string): string {
  return `${bundleFile.replace(/\.spikescope$/, '')}.protocols.json`;
}

/** Null where there is no such file. @throws RefusedError `PROTOCOL_FIGURES` for one that cannot be read as such */
export async function readStoredFigures(file: string): Promise<StoredFigures | null> {
  return readJsonFile(file, fileSchema, (...problem) => refused(file, ...problem));
}

/**
 * Puts one protocol's figures into the file. The lesion protocol's are those of one version's weights. The paper's are those
 * of a network that was trained for them, and stay as long as the model keeps its name.
 */
export async function storeFigures(
  file: string,
  { name, version }: Pick<ModelIdentity, 'name' | 'version'>,
  entry: Partial<Pick<StoredFigures, Protocol>>,
): Promise<void> {
  const before = await readStoredFigures(file);
  const isNamesake = before?.model.name === name;
  const isSame = isNamesake && before.model.version === version;
  const kept = { lesion: isSame ? before.lesion : null, paper: isNamesake ? before.paper : null };
  const document: StoredFigures = { format: 1, model: { name, version }, ...kept, ...entry };
  await replaceFile(file, Buffer.from(`${JSON.stringify(document, null, 2)}\n`));
}

/** The part of a measurement that is kept. */
export function protocolFigures(n: number, figures: Figures): ProtocolFigures {
  const { top1, macroF1, balancedAccuracy, macroAuc, ece, intervals } = figures;
  return { n, top1, macroF1, balancedAccuracy, macroAuc, ece, intervals: { ...intervals.values } };
}

function refused(file: string, field: string, received: string): RefusedError {
  return new RefusedError('PROTOCOL_FIGURES', 'The figures beside the bundle cannot be read', {
    file,
    field,
    received,
    remedy: 'delete the file, then measure anew with `spikescope evaluate --record`',
  });
}
