/**
 * HAM10000's layout: photographs in any nesting, a metadata CSV (image_id, dx, lesion_id, and where known age, sex,
 * localization, dataset), a split CSV (image_id, split).
 */
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { z } from 'zod';
import { RefusedError, reasonOf, UsageError } from '../errors.ts';
import { SPLITS, type Split } from '../splits.ts';
import { type Attributes, attributesOf, attributesSchema } from './attributes.ts';
import { findImages } from './images.ts';
import { type Header, quoted, readHeader, readTable, rowsOf, type Table } from './table.ts';

/** File that is taken for the split when it lies beside the metadata. */
const SPLIT_FILE = 'split_lesion.csv';

export interface Sample {
  readonly imageId: string;
  readonly file: string;
  /** Index of the true class. */
  readonly label: number;
  readonly lesionId: string | null;
  /** Null when the split CSV does not mention the image, or there is none. */
  readonly split: Split | null;
  /** Absent where the metadata say nothing of the kind. */
  readonly attributes?: Attributes;
}

export interface Dataset {
  readonly folder: string;
  /** Name of the folder. */
  readonly name: string;
  readonly metadataFile: string;
  readonly splitFile: string | null;
  /** In the order of the metadata. */
  readonly samples: readonly Sample[];
  /** Listed in the metadata, but without a file. */
  readonly missing: readonly Omit<Sample, 'file'>[];
  /** `lesion`: every image has a lesion identifier and no lesion lies in two splits. `image`: anything else. */
  readonly protocol: 'lesion' | 'image';
}

const imageId = z.string().min(1, 'the image identifier is empty');

export type { Attributes } from './attributes.ts';

const metadataSchema = attributesSchema.extend({
  image_id: imageId,
  dx: z.string().transform((dx) => dx.toLowerCase()),
  lesion_id: z
    .string()
    .optional()
    .transform((id) => id || null),
});
const splitSchema = z.object({ image_id: imageId, split: z.enum(SPLITS) });

/**
 * Reads a data set for a model with these classes.
 * @param splitFile default: `split_lesion.csv` beside the metadata, else the metadata's own column `split`, else none
 * @throws UsageError `DATASET_FOLDER`, RefusedError `DATASET_*`
 */
export async function loadDataset(
  folder: string,
  classes: readonly string[],
  splitFile?: string,
): Promise<Dataset> {
  const headers = await headersIn(folder);
  const metadata = await readTable(chooseMetadata(folder, headers).file);
  const splits = await chooseSplits(headers, metadata, splitFile);
  const splitOf = splits === null ? new Map<string, Split>() : readSplits(splits);
  const files = await findImages(folder);
  const samples: Sample[] = [];
  const missing: Omit<Sample, 'file'>[] = [];
  for (const row of readMetadata(metadata, classes)) {
    const sample = { ...row, split: splitOf.get(row.imageId) ?? null };
    const file = files.get(row.imageId);
    if (file === undefined) missing.push(sample);
    else samples.push({ ...sample, file });
  }
  if (samples.length === 0) {
    throw new RefusedError('DATASET_NO_IMAGES', 'None of the listed images was found', {
      file: metadata.file,
      expected: `jpg, jpeg or png files named by image_id below ${folder}`,
      received: `${missing.length} listed, ${files.size} image files found`,
      remedy: 'put the image folders below the data set folder',
    });
  }
  return {
    folder,
    name: path.basename(path.resolve(folder)),
    metadataFile: metadata.file,
    splitFile: splits?.file ?? null,
    samples,
    missing,
    protocol: protocolOf([...samples, ...missing]),
  };
}

/** The images of a split. @throws UsageError `DATASET_NO_SPLIT`, RefusedError `DATASET_EMPTY_SPLIT` */
export function samplesOf(dataset: Dataset, split: Split | 'all'): readonly Sample[] {
  if (split === 'all') return dataset.samples;
  if (dataset.splitFile === null) {
    throw new UsageError('DATASET_NO_SPLIT', `Nothing says which images belong to ${quoted(split)}`, {
      file: dataset.folder,
      expected: `a CSV with image_id and split, named with --split-file or lying there as ${SPLIT_FILE}`,
      remedy: 'name the split CSV, or use --split all',
    });
  }
  const samples = dataset.samples.filter((sample) => sample.split === split);
  if (samples.length === 0) {
    throw new RefusedError('DATASET_EMPTY_SPLIT', `No image of the data set belongs to ${quoted(split)}`, {
      file: dataset.splitFile,
      remedy: 'check that the split CSV belongs to this data set, or use --split all',
    });
  }
  return samples;
}

async function headersIn(folder: string): Promise<Header[]> {
  let names: string[];
  try {
    names = await readdir(folder);
  } catch (cause) {
    throw new UsageError('DATASET_FOLDER', 'The data set folder cannot be read', {
      file: folder,
      received: reasonOf(cause),
      remedy: 'give a folder with images and a metadata CSV to --dataset',
      cause,
    });
  }
  const files = names.filter((name) => name.toLowerCase().endsWith('.csv')).sort();
  return Promise.all(files.map((name) => readHeader(path.join(folder, name))));
}

/** The table with image_id and dx; one that also has a split column only when there is no other. */
function chooseMetadata(folder: string, headers: readonly Header[]): Header {
  const candidates = headers.filter(({ columns }) => columns.includes('image_id') && columns.includes('dx'));
  const plain = candidates.filter(({ columns }) => !columns.includes('split'));
  const [chosen, ...others] = plain.length > 0 ? plain : candidates;
  if (chosen === undefined) {
    throw new RefusedError('DATASET_METADATA', 'The data set has no metadata', {
      file: folder,
      expected: 'a CSV with the columns image_id and dx in this folder',
      received: headers.map(({ file }) => path.basename(file)).join(', ') || 'no CSV',
      remedy: 'put HAM10000_metadata.csv, or a labels.csv with image_id,lesion_id,dx, into the folder',
    });
  }
  if (others.length > 0) {
    throw new RefusedError('DATASET_METADATA', 'More than one CSV could be the metadata', {
      file: folder,
      expected: 'one CSV with the columns image_id and dx',
      received: [chosen, ...others].map(({ file }) => path.basename(file)).join(', '),
      remedy: 'keep one of them in the folder',
    });
  }
  return chosen;
}

async function chooseSplits(
  headers: readonly Header[],
  metadata: Table,
  splitFile: string | undefined,
): Promise<Table | null> {
  const beside = headers.find(({ file }) => path.basename(file) === SPLIT_FILE);
  const chosen = splitFile ?? beside?.file;
  if (chosen !== undefined) return chosen === metadata.file ? metadata : readTable(chosen);
  return metadata.columns.includes('split') ? metadata : null;
}

function readMetadata(table: Table, classes: readonly string[]): Omit<Sample, 'file' | 'split'>[] {
  const seen = new Set<string>();
  return rowsOf(table, ['image_id', 'dx'], metadataSchema).map((row, index) => {
    refuseRepetition(seen, row.image_id, table, index);
    const label = classes.indexOf(row.dx);
    if (label === -1) {
      throw new RefusedError(
        'DATASET_UNKNOWN_CLASS',
        `Row ${index + 1}: the model has no class ${quoted(row.dx)}`,
        {
          file: table.file,
          field: 'dx',
          expected: `one of ${classes.join(', ')}`,
          received: `${quoted(row.dx)} for ${row.image_id}`,
          remedy: 'correct the row, or use a model that knows this class',
        },
      );
    }
    const attributes = attributesOf(row);
    return { imageId: row.image_id, label, lesionId: row.lesion_id, ...(attributes && { attributes }) };
  });
}

function readSplits(table: Table): Map<string, Split> {
  const splits = new Map<string, Split>();
  const seen = new Set<string>();
  rowsOf(table, ['image_id', 'split'], splitSchema).forEach((row, index) => {
    refuseRepetition(seen, row.image_id, table, index);
    splits.set(row.image_id, row.split);
  });
  return splits;
}

function refuseRepetition(seen: Set<string>, id: string, table: Table, index: number): void {
  if (seen.has(id)) {
    throw new RefusedError('DATASET_DUPLICATE_ROW', `Row ${index + 1} of the CSV repeats ${id}`, {
      file: table.file,
      field: 'image_id',
      remedy: 'keep one row per image',
    });
  }
  seen.add(id);
}

function protocolOf(samples: readonly Omit<Sample, 'file'>[]): Dataset['protocol'] {
  const splitOfLesion = new Map<string, Split>();
  for (const { lesionId, split } of samples) {
    if (lesionId === null) return 'image';
    if (split === null) continue;
    const other = splitOfLesion.get(lesionId);
    if (other !== undefined && other !== split) return 'image';
    splitOfLesion.set(lesionId, split);
  }
  return 'lesion';
}
