import { open, readFile, stat } from 'node:fs/promises';
import { CsvError } from 'csv-parse';
import { parse } from 'csv-parse/sync';
import type { z } from 'zod';
import { RefusedError, reasonOf } from '../errors.ts';
import { firstIssue } from '../schema.ts';

/** Far above any lesion data set's table; a guard against being pointed at something else. */
const MAXIMUM_BYTES = 256 * 2 ** 20;

/** Enough for any header that could name image_id and dx. */
const HEADER_BYTES = 64 * 2 ** 10;

/** A CSV file's name and its columns in lower case; the rows are not read yet. */
export interface Header {
  readonly file: string;
  readonly columns: readonly string[];
}

export interface Table extends Header {
  readonly rows: readonly Readonly<Record<string, string>>[];
}

/** The columns that a CSV file names in its first line. @throws RefusedError `DATASET_CSV` */
export async function readHeader(file: string): Promise<Header> {
  return refusing(file, async () => {
    const handle = await open(file, 'r');
    try {
      const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(HEADER_BYTES) });
      const [line] = buffer.subarray(0, bytesRead).toString('utf8').split(/\r?\n/, 1);
      return { file, columns: columnsOf(parse(line, { bom: true, trim: true })[0]) };
    } finally {
      await handle.close();
    }
  });
}

/** @throws RefusedError `DATASET_CSV` when the file cannot be read as a CSV with a header */
export async function readTable(file: string): Promise<Table> {
  return refusing(file, async () => {
    const { size } = await stat(file);
    if (size > MAXIMUM_BYTES) throw new Error(`${size} bytes, more than ${MAXIMUM_BYTES}`);
    const [header, ...lines] = parse(await readFile(file), { bom: true, skip_empty_lines: true, trim: true });
    const columns = columnsOf(header);
    return {
      file,
      columns,
      rows: lines.map((line) => Object.fromEntries(columns.map((name, i) => [name, line[i]]))),
    };
  });
}

function columnsOf(header: readonly string[] = []): string[] {
  return header.map((name) => name.toLowerCase());
}

async function refusing<T>(file: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    throw new RefusedError('DATASET_CSV', 'This CSV cannot be read', {
      file,
      received: reasonOf(cause),
      remedy:
        cause instanceof CsvError
          ? 'mend the line: the same number of columns everywhere, quotes closed'
          : 'check the path, the size and the permissions',
      cause,
    });
  }
}

/** The rows, checked; every fault names its line. @throws RefusedError `DATASET_COLUMNS`, `DATASET_ROW` */
export function rowsOf<Row>(table: Table, required: readonly string[], schema: z.ZodType<Row>): Row[] {
  const missing = required.filter((column) => !table.columns.includes(column));
  if (missing.length > 0) {
    throw new RefusedError('DATASET_COLUMNS', `The CSV lacks ${missing.map(quoted).join(' and ')}`, {
      file: table.file,
      expected: `the columns ${required.map(quoted).join(', ')}`,
      received: table.columns.map(quoted).join(', ') || 'no columns',
      remedy: 'name the columns in the first line as HAM10000 does',
    });
  }
  return table.rows.map((row, index) => {
    const parsed = schema.safeParse(row);
    if (parsed.success) return parsed.data;
    const { field, problem } = firstIssue(parsed.error);
    throw new RefusedError('DATASET_ROW', `Row ${index + 1} of the CSV is wrong: ${problem}`, {
      file: table.file,
      field,
      received: quoted(String(row[field] ?? '')),
      remedy: 'correct the row or take it out',
    });
  });
}

export function quoted(text: string): string {
  return `“${text}”`;
}
