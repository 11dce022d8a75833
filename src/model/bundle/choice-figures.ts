/**
 * What is known of a bundle when one chooses between several: how well it answers on validation, and what an inference takes
 * on the device's processor. A small JSON beside the bundle; `qana64.spikescope` has it in `qana64.figures.json`.
 */
import { z } from 'zod';
import { RefusedError } from '../../errors.ts';
import { readJsonFile } from '../../json-file.ts';
import { replaceFile } from './replace-file.ts';

const share = z.number().min(0).max(1);

const figuresSchema = z.strictObject({
  format: z.literal(1),
  /** Of the bundle that was measured. */
  digest: z.string(),
  /** Validation split, lesion protocol, integers, as the bundle reads. */
  validation: z
    .strictObject({ images: z.int().min(1), top1: share, macroF1: share, malignancyAuc: share.nullable() })
    .nullable(),
  /** On the same images: share of Top-1 that corruptions take, the mean of all. */
  corruption: z
    .strictObject({ top1Lost: z.number().min(-1).max(1) })
    .nullable()
    .default(null),
  /** One image on one core of a Cortex-A76. An estimate of a simulator: nothing of it ran on such a core. */
  cortexA76: z
    .strictObject({ milliseconds: z.number().min(0), gigahertz: z.number().min(0), simulator: z.string() })
    .nullable(),
});
export type ChoiceFigures = z.infer<typeof figuresSchema>;

/** Where the figures of a bundle lie. */
export function choiceFiguresFile(bundleFile: string): string {
  return `${bundleFile.replace(/\.spikescope$/, '')}.figures.json`;
}

/** Null where there are none, or none of this bundle. @throws RefusedError `CHOICE_FIGURES` for a file of another form */
export async function readChoiceFigures(bundleFile: string, digest: string): Promise<ChoiceFigures | null> {
  const file = choiceFiguresFile(bundleFile);
  const figures = await readJsonFile(file, figuresSchema, (...problem) => refused(file, ...problem));
  return figures?.digest === digest ? figures : null;
}

/** Puts parts of the figures into the file; the others stay where they are about the same bundle. */
export async function storeChoiceFigures(
  bundleFile: string,
  digest: string,
  part: Partial<Pick<ChoiceFigures, 'validation' | 'corruption' | 'cortexA76'>>,
): Promise<string> {
  const before = await readChoiceFigures(bundleFile, digest);
  const { validation = null, corruption = null, cortexA76 = null } = before ?? {};
  const document: ChoiceFigures = { format: 1, digest, validation, corruption, cortexA76, ...part };
  const file = choiceFiguresFile(bundleFile);
  await replaceFile(file, Buffer.from(`${JSON.stringify(document, null, 2)}\n`));
  return file;
}

function refused(file: string, field: string, received: string): RefusedError {
  return new RefusedError('CHOICE_FIGURES', 'The figures beside the bundle cannot be read', {
    file,
    field,
    received,
    remedy: 'delete the file, then measure anew with `spikescope evaluate --split val --record`',
  });
}
