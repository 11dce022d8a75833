/** The vendor's layers → what a card is programmed with, by the vendor's own compiler on a virtual device. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import { SpikescopeError } from '../../errors.ts';
import { AKIDA1_DEVICES, type Akida1Device } from '../../model/bundle/akida-programs-section.ts';
import { firstIssue } from '../../schema.ts';
import { type NetworkLayer, networkFiles } from './network.ts';
import { runCompiler } from './python.ts';

const count = z.number().int().min(0);

const reportSchema = z.strictObject({
  /** Version of the vendor's package, which a card's engine must be of too. */
  compiler: z.string(),
  device: z.enum(AKIDA1_DEVICES),
  /** As the card's identification register has it. */
  deviceVersion: z.string(),
  mode: z.string(),
  passes: count,
  processors: z.strictObject({ used: count, of: count }),
  /** Column, row and number of each neural processor; none of the unit that reads the image. */
  layers: z.array(z.strictObject({ name: z.string(), processors: z.array(z.tuple([count, count, count])) })),
});
export type CompilerReport = z.infer<typeof reportSchema>;

export interface CompiledProgram {
  readonly report: CompilerReport;
  /** By name, as in `PROGRAM_FILES`. */
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/** What the compiler writes: the vendor's model, and the two parts of the card's program. */
export const PROGRAM_FILES = {
  model: 'model.fbz',
  info: 'program-info.bin',
  data: 'program-data.bin',
} as const;

/**
 * Same layers and device, same bytes.
 * @param python an interpreter from `compilerPython`
 * @throws SpikescopeError `AKIDA_COMPILER` where the vendor's mapper refuses
 */
export async function compileForAkida1(
  layers: readonly NetworkLayer[],
  device: Akida1Device,
  python: string,
): Promise<CompiledProgram> {
  return withNetwork(layers, async (folder) => {
    const out = path.join(folder, 'out');
    await mkdir(out);
    await runCompiler(python, ['map', folder, device, out]);
    const files = new Map<string, Uint8Array>();
    for (const name of Object.values(PROGRAM_FILES))
      files.set(name, new Uint8Array(await readFile(path.join(out, name))));
    return { report: parseReport(await readFile(path.join(out, 'program.json'), 'utf8')), files };
  });
}

/**
 * What the vendor's simulator makes of images: for each image the output of each layer, the head's potentials last; int32,
 * row, column, channel order.
 */
export async function simulateAkida1(
  layers: readonly NetworkLayer[],
  images: readonly Uint8Array[],
  python: string,
): Promise<Int32Array> {
  return withNetwork(layers, async (folder) => {
    const file = path.join(folder, 'images.bin');
    await writeFile(file, Buffer.concat(images));
    return int32Of(await runCompiler(python, ['simulate', folder, file]));
  });
}

/**
 * What a compiled model answers in the vendor's simulator, image after image: the embedding or the head's potentials, in
 * row, column, channel order.
 * @param model the file `model.fbz` of a compiled program
 */
export async function answersOfAkida1(
  model: Uint8Array,
  images: readonly Uint8Array[],
  python: string,
): Promise<Int32Array> {
  return withFolder(async (folder) => {
    const [file, pixels] = [path.join(folder, 'model.fbz'), path.join(folder, 'images.bin')];
    await writeFile(file, model);
    await writeFile(pixels, Buffer.concat(images));
    return int32Of(await runCompiler(python, ['answer', file, pixels]));
  });
}

function int32Of(bytes: Uint8Array): Int32Array {
  return new Int32Array(Uint8Array.from(bytes).buffer);
}

/** With the network in files in a folder that is gone afterwards. */
async function withNetwork<Result>(
  layers: readonly NetworkLayer[],
  work: (folder: string) => Promise<Result>,
): Promise<Result> {
  return withFolder(async (folder) => {
    const { description, weights } = networkFiles(layers);
    await writeFile(path.join(folder, 'network.json'), description);
    await writeFile(path.join(folder, 'weights.bin'), weights);
    return work(folder);
  });
}

async function withFolder<Result>(work: (folder: string) => Promise<Result>): Promise<Result> {
  const folder = await mkdtemp(path.join(tmpdir(), 'spikescope-akida-'));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function parseReport(text: string): CompilerReport {
  const parsed = reportSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw new SpikescopeError('AKIDA_COMPILER', 'The vendor’s compiler answers otherwise than it should', {
    field,
    received: problem,
  });
}
