import { open, stat } from 'node:fs/promises';
import { RefusedError, reasonOf, SpikescopeError } from '../../errors.ts';
import { firstIssue } from '../../schema.ts';
import { parametersOf, statisticsOf } from '../architecture/parameters.ts';
import { shapesOf } from '../architecture/shapes.ts';
import { withArrays } from '../bundle/arrays.ts';
import { type ContainerKind, packContainer, unpackContainer } from '../bundle/container.ts';
import { replaceFile } from '../bundle/replace-file.ts';
import { elementCount } from '../graph.ts';
import { type Arrays, answeringArrays, type Checkpoint } from './format.ts';
import { checkpointDocument, checkpointSchema } from './schema.ts';

const CHECKPOINT: ContainerKind = {
  magic: 'SPIKETRN',
  formatVersion: 1,
  code: 'CHECKPOINT',
  noun: 'checkpoint',
  remedies: {
    notOne: 'give a file that `spikescope train` wrote',
    damaged: 'copy the checkpoint again, or train anew',
    unknownFormat: 'use the version of spikescope that wrote it, or train anew',
  },
};
/** Far above any network for these processors; a guard against being pointed at something else. */
const MAXIMUM_BYTES = 2 ** 30;

/** The bytes of a checkpoint. */
export function checkpointBytes(checkpoint: Checkpoint): Uint8Array {
  const { document, data } = checkpointDocument(checkpoint);
  return packContainer(document, data, CHECKPOINT);
}

/** @throws RefusedError `CHECKPOINT_*` */
export function parseCheckpoint(bytes: Uint8Array, file: string): Checkpoint {
  const { document, data } = unpackContainer(bytes, file, CHECKPOINT);
  const parsed = checkpointSchema.safeParse(withArrays(document, data));
  if (!parsed.success) {
    const { field, problem } = firstIssue(parsed.error);
    throw schemaFault(file, field, problem);
  }
  requireArrays(parsed.data, file);
  return parsed.data;
}

/** Whether these bytes claim to be a checkpoint, so that commands can tell it from an ONNX model. */
export function isCheckpoint(bytes: Uint8Array): boolean {
  return Buffer.from(bytes.subarray(0, CHECKPOINT.magic.length)).toString('latin1') === CHECKPOINT.magic;
}

/** Writes a checkpoint, whole or not at all: a process killed at any time leaves the old one or the new one. */
export async function writeCheckpoint(file: string, checkpoint: Checkpoint): Promise<void> {
  try {
    await replaceFile(file, checkpointBytes(checkpoint));
  } catch (cause) {
    throw new SpikescopeError('CHECKPOINT_UNWRITABLE', 'The checkpoint cannot be written', {
      file,
      received: reasonOf(cause),
      remedy: 'give an existing folder that you may write to, with space left, to --out',
      cause,
    });
  }
}

/** @throws RefusedError `CHECKPOINT_*` */
export async function readCheckpoint(file: string): Promise<Checkpoint> {
  return parseCheckpoint(await readWhole(file), file);
}

async function readWhole(file: string): Promise<Uint8Array> {
  try {
    // Before opening, because opening a named pipe waits for its writer.
    const status = await stat(file);
    if (!status.isFile()) throw new Error('not a regular file');
    if (status.size > MAXIMUM_BYTES) throw new Error(`${status.size} bytes, more than ${MAXIMUM_BYTES}`);
    const handle = await open(file, 'r');
    try {
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    throw new RefusedError('CHECKPOINT_UNREADABLE', 'The checkpoint cannot be read', {
      file,
      received: reasonOf(cause),
      remedy: 'give the path of a checkpoint that `spikescope train` wrote',
      cause,
    });
  }
}

/** Every array of the architecture is there, in its shape, and finite; so are the optimiser's. */
function requireArrays(checkpoint: Checkpoint, file: string): void {
  const { architecture, classes, parameters, statistics, optimiser, quantisation } = checkpoint;
  const learned = parametersOf(architecture);
  const kept = statisticsOf(architecture);
  requireShapes(parameters, learned, file);
  requireShapes(statistics, kept, file);
  requireShapes(answeringArrays(checkpoint), [...learned, ...kept], file);
  const variances = kept.filter(({ role }) => role === 'variance').map(({ name }) => name);
  for (const arrays of [statistics, answeringArrays(checkpoint)]) requirePositive(arrays, variances, file);
  if (optimiser !== null) {
    for (const moments of [optimiser.first, optimiser.second]) {
      requireShapes(
        moments,
        learned.filter(({ name }) => moments.has(name)),
        file,
      );
    }
    requirePositive(optimiser.second, [...optimiser.second.keys()], file);
  }
  const shapes = shapesOf(architecture);
  const logits = shapes.get(architecture.output);
  if (logits === undefined || elementCount(logits) !== classes.length) {
    throw schemaFault(file, 'classes', `${classes.length} names for an output of ${logits?.join('×')}`);
  }
  for (const [layer, { scales }] of quantisation?.weights ?? []) {
    if (scales.length !== 1 && scales.length !== shapes.get(layer)?.[2]) {
      throw schemaFault(file, `quantisation.weights.${layer}`, `${scales.length} scales`);
    }
  }
}

/** Variances and means of squares: a root is taken of them. */
function requirePositive(arrays: Arrays, names: readonly string[], file: string): void {
  for (const name of names) {
    if (arrays.get(name)?.values.some((value) => value < 0)) throw schemaFault(file, name, 'values below 0');
  }
}

function requireShapes(
  arrays: Arrays,
  specifications: readonly { readonly name: string; readonly shape: readonly number[] }[],
  file: string,
): void {
  for (const { name, shape } of specifications) {
    const array = arrays.get(name);
    if (String(array?.shape) !== String(shape)) {
      throw schemaFault(file, name, `shape ${array?.shape.join('×') ?? 'nothing'}, not ${shape.join('×')}`);
    }
    if (!array?.values.every(Number.isFinite)) {
      throw schemaFault(file, name, 'values that are not finite');
    }
  }
}

function schemaFault(file: string, field: string, received: string): RefusedError {
  return new RefusedError('CHECKPOINT_SCHEMA', 'The checkpoint does not follow its format', {
    file,
    field,
    received,
    remedy: CHECKPOINT.remedies.unknownFormat,
  });
}
