/**
 * The learned head on disk: a container like a bundle's, with its own digest over every byte, that names the bundle it
 * belongs to. Head, memory and history are one file, so that one rename replaces them together. A right digest says that the
 * file is whole, not who wrote it: every field is held to what this program writes.
 */
import { z } from 'zod';
import { RefusedError } from '../../errors.ts';
import { ARRAYS, ArrayWriter, withArrays } from '../../model/bundle/arrays.ts';
import { type ContainerKind, packContainer, unpackContainer } from '../../model/bundle/container.ts';
import { firstIssue } from '../../schema.ts';
import { INDETERMINATE, RETAKE } from '../inference/head.ts';
import { recordSchema } from './change-record.ts';
import { type Correction, LARGEST_SHIFT, LARGEST_WEIGHT } from './correction.ts';
import { HISTORY_LENGTH, type LearnedState, MEMORY_LENGTH } from './state.ts';
import type { Example } from './teach.ts';

const KIND: ContainerKind = {
  magic: 'SPIKELRN',
  formatVersion: 1,
  code: 'DELTA',
  noun: 'learned head',
  remedies: {
    notOne: 'put the right file in its place; until then the device goes on with the factory head',
    damaged:
      'put a copy of the file in its place; until then the device goes on with the factory head and learns anew',
    unknownFormat: 'use the version of spikescope that wrote it to keep what was learned',
  },
};

/** Added classes included; keeps the file and the time of an update bounded. */
export const MAXIMUM_CLASSES = 32;

/** More than any state takes: 576 cases and 65 heads of 1,000 features and 32 classes are below 16 MB. */
export const LARGEST_FILE = 32 * 2 ** 20;

/** Those in the memory, and of each earlier state the one that its update may have made the memory forget. */
const MOST_CASES = MEMORY_LENGTH + HISTORY_LENGTH;

/** What a learned head must fit. */
export interface Fit {
  /** Digest of the bundle. */
  readonly bundle: string;
  /** The factory's. */
  readonly classes: readonly string[];
  readonly features: number;
  /** Of a channel over the places of the embedding. */
  readonly largestSum: number;
}

/** Bytes of the file; equal states give equal bytes. */
export function encodeState(state: LearnedState, bundle: string): Uint8Array {
  const cases = [...new Set([...state.memory, ...state.history.flatMap(({ memory }) => memory)])];
  const places = new Map(cases.map((each, i) => [each, i]));
  const writer = new ArrayWriter();
  const correctionOf = ({ classes, factoryClasses, benign, features, weights, shift, bias }: Correction) => ({
    ...{ classes, factoryClasses, features, shift },
    ...(benign.length > 0 && { benign }),
    weights: writer.add(weights),
    bias: writer.add(bias),
  });
  const memoryOf = (memory: readonly Example[]) =>
    writer.add(new Int32Array(memory.length).map((_, i) => places.get(memory[i]) ?? 0));
  const document = {
    bundle,
    correction: correctionOf(state.correction),
    memory: memoryOf(state.memory),
    history: state.history.map(({ caseId, correction, memory }) => ({
      caseId,
      correction: correctionOf(correction),
      memory: memoryOf(memory),
    })),
    cases: {
      pooled: writer.add(
        joined(
          Int16Array,
          cases.map(({ pooled }) => pooled),
        ),
      ),
      potentials: writer.add(
        joined(
          Int32Array,
          cases.map(({ potentials }) => potentials),
        ),
      ),
      labels: writer.add(Uint8Array.from(cases, ({ label }) => label)),
    },
    record: state.record,
  };
  return packContainer(document, writer.bytes(), KIND);
}

/**
 * @throws RefusedError `DELTA_*`: not a learned head, damaged, of another version; `DELTA_BUNDLE`: of another bundle
 */
export function decodeState(bytes: Uint8Array, file: string, fit: Fit): LearnedState {
  const { document, data } = unpackContainer(bytes, file, KIND);
  const { bundle } = parsedAs(z.looseObject({ bundle: bundleDigest }), document, file);
  if (bundle !== fit.bundle) throw ofAnotherBundle(file, bundle, fit.bundle);
  return parsedAs(stateSchema(fit), withArrays(document, data), file);
}

/** The digest of the bundle that a learned head belongs to. @throws RefusedError as `decodeState` */
export function bundleOf(bytes: Uint8Array, file: string): string {
  const { document } = unpackContainer(bytes, file, KIND);
  return parsedAs(z.looseObject({ bundle: bundleDigest }), document, file).bundle;
}

export function ofAnotherBundle(file: string, bundle: string, expected: string): RefusedError {
  return new RefusedError('DELTA_BUNDLE', 'The learned head belongs to another model', {
    file,
    expected: `bundle ${expected.slice(0, 12)}`,
    received: `bundle ${bundle.slice(0, 12)}`,
    remedy: 'run with that model: what was learned with it is taken up again',
  });
}

function parsedAs<T>(schema: z.ZodType<T>, document: unknown, file: string): T {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw new RefusedError('DELTA_SCHEMA', 'The learned head does not follow its format', {
    file,
    field,
    received: problem,
    remedy: KIND.remedies.damaged,
  });
}

/** Rows of equal length, one after the other. */
function joined<T extends Int16Array | Int32Array>(
  Constructor: new (length: number) => T,
  rows: readonly T[],
): T {
  const all = new Constructor(rows.length * (rows[0]?.length ?? 0));
  rows.forEach((row, i) => {
    all.set(row, i * row.length);
  });
  return all;
}

const bundleDigest = z.string().regex(/^[0-9a-f]{64}$/);

/** A name under which an answer can be given, and shown as it is. */
const className = z
  .string()
  .regex(/^[\p{L}\p{N}][\p{L}\p{N} _.-]{0,63}$/u)
  .refine((name) => name !== RETAKE && name !== INDETERMINATE);

function correctionSchema(fit: Fit) {
  const fits = ({ classes, benign, weights, bias }: Correction) =>
    fit.classes.every((name, c) => classes[c] === name) &&
    new Set(classes).size === classes.length &&
    classes.slice(fit.classes.length).every((name) => className.safeParse(name).success) &&
    new Set(benign).size === benign.length &&
    benign.every((name) => classes.indexOf(name) >= fit.classes.length) &&
    weights.length === classes.length * fit.features &&
    bias.length === classes.length &&
    weights.every((weight) => weight >= -LARGEST_WEIGHT);
  return z
    .strictObject({
      classes: z.array(z.string()).max(MAXIMUM_CLASSES),
      factoryClasses: z.literal(fit.classes.length),
      benign: z.array(z.string()).max(MAXIMUM_CLASSES).default([]),
      features: z.literal(fit.features),
      shift: z.int().min(0).max(LARGEST_SHIFT),
      weights: ARRAYS.int16,
      bias: ARRAYS.int32,
    })
    .refine(fits, 'does not fit the bundle’s classes');
}

function stateSchema(fit: Fit) {
  const { int16, int32, uint8 } = ARRAYS;
  const correction = correctionSchema(fit);
  const earlier = z.strictObject({ caseId: recordSchema.shape.caseId, correction, memory: int32 });
  return z
    .strictObject({
      bundle: bundleDigest,
      correction,
      memory: int32,
      history: z.array(earlier).max(HISTORY_LENGTH),
      cases: z.strictObject({ pooled: int16, potentials: int32, labels: uint8 }),
      record: recordSchema,
    })
    .transform(({ correction: current, memory, history, cases, record }, context): LearnedState => {
      const examples = examplesOf(cases, fit);
      if (examples === null) {
        context.addIssue('cases that no embedding makes, of unequal number, or too many');
        return z.NEVER;
      }
      const remembered = (places: Int32Array, { classes }: Correction) => {
        const chosen = Array.from(places, (place) => examples[place]);
        const isSound =
          chosen.length <= MEMORY_LENGTH &&
          new Set(places).size === places.length &&
          chosen.every((each) => each !== undefined && each.label < classes.length) &&
          classes.every((name, c) => name === current.classes[c]);
        if (!isSound) context.addIssue('a memory that does not fit');
        return chosen;
      };
      return {
        correction: current,
        memory: remembered(memory, current),
        history: history.map((each) => ({ ...each, memory: remembered(each.memory, each.correction) })),
        record,
      };
    });
}

function examplesOf(
  cases: { pooled: Int16Array; potentials: Int32Array; labels: Uint8Array },
  { classes, features, largestSum }: Fit,
): Example[] | null {
  const { pooled, potentials, labels } = cases;
  const n = labels.length;
  if (n > MOST_CASES || pooled.length !== n * features || potentials.length !== n * classes.length)
    return null;
  if (pooled.some((sum) => sum < 0 || sum > largestSum)) return null;
  return Array.from(labels, (label, i) => ({
    pooled: pooled.slice(i * features, (i + 1) * features),
    potentials: potentials.slice(i * classes.length, (i + 1) * classes.length),
    label,
  }));
}
