/**
 * The learned head on disk: `head.spikescope-delta`, a container like a bundle's, with its own digest over every byte, that
 * names the bundle it belongs to. Head, memory and history are one file, so that one rename replaces them together.
 */
import { z } from 'zod';
import { RefusedError } from '../../errors.ts';
import { ARRAYS, ArrayWriter, withArrays } from '../../model/bundle/arrays.ts';
import { type ContainerKind, packContainer, unpackContainer } from '../../model/bundle/container.ts';
import { firstIssue } from '../../schema.ts';
import { RECORD_KINDS } from '../../store/chain.ts';
import { type Correction, LARGEST_SHIFT } from './correction.ts';
import { HISTORY_LENGTH, type LearnedState, MEMORY_LENGTH } from './state.ts';
import type { Example } from './teach.ts';

const KIND: ContainerKind = {
  magic: 'SPIKELRN',
  formatVersion: 1,
  code: 'DELTA',
  noun: 'learned head',
  remedies: {
    notOne: 'nothing: the device goes on with the factory head',
    damaged: 'nothing: the device goes on with the factory head and learns anew',
    unknownFormat: 'use the version of spikescope that wrote it to keep what was learned',
  },
};

/** Added classes included; keeps the file and the time of an update bounded. */
export const MAXIMUM_CLASSES = 32;

/** What a learned head must fit. */
export interface Fit {
  /** Digest of the bundle. */
  readonly bundle: string;
  /** The factory's. */
  readonly classes: readonly string[];
  readonly features: number;
}

/** Bytes of the file; equal states give equal bytes. */
export function encodeState(state: LearnedState, bundle: string): Uint8Array {
  const cases = [...new Set([...state.memory, ...state.history.flatMap(({ memory }) => memory)])];
  const places = new Map(cases.map((each, i) => [each, i]));
  const writer = new ArrayWriter();
  const correctionOf = ({ classes, factoryClasses, features, weights, shift, bias }: Correction) => ({
    ...{ classes, factoryClasses, features, shift },
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
  const named = z.looseObject({ bundle: z.string() }).safeParse(document);
  if (named.success && named.data.bundle !== fit.bundle) {
    throw new RefusedError('DELTA_BUNDLE', 'The learned head belongs to another model', {
      file,
      expected: `bundle ${fit.bundle.slice(0, 12)}`,
      received: `bundle ${named.data.bundle.slice(0, 12)}`,
      remedy: 'nothing: the device goes on with the factory head of the model in use',
    });
  }
  const parsed = stateSchema(fit).safeParse(withArrays(document, data));
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

function stateSchema(fit: Fit) {
  const { int16, int32, uint8 } = ARRAYS;
  const correction = z
    .strictObject({
      classes: z.array(z.string().min(1).max(64)).max(MAXIMUM_CLASSES),
      factoryClasses: z.literal(fit.classes.length),
      features: z.literal(fit.features),
      shift: z.int().min(0).max(LARGEST_SHIFT),
      weights: int16,
      bias: int32,
    })
    .refine(
      ({ classes, weights, bias }) =>
        fit.classes.every((name, c) => classes[c] === name) &&
        weights.length === classes.length * fit.features &&
        bias.length === classes.length,
      'does not fit the bundle’s classes',
    );
  return z
    .strictObject({
      bundle: z.string(),
      correction,
      memory: int32,
      history: z.array(z.strictObject({ caseId: z.string(), correction, memory: int32 })).max(HISTORY_LENGTH),
      cases: z.strictObject({ pooled: int16, potentials: int32, labels: uint8 }),
      record: z
        .strictObject({ kind: z.enum(RECORD_KINDS), caseId: z.string(), payload: z.string() })
        .nullable(),
    })
    .transform(({ correction: current, memory, history, cases, record }, context): LearnedState => {
      const examples = examplesOf(cases, fit);
      if (examples === null) {
        context.addIssue('cases of unequal number');
        return z.NEVER;
      }
      const remembered = (places: Int32Array, { classes }: Correction) => {
        const chosen = [...places].map((place) => examples[place]);
        if (
          chosen.length > MEMORY_LENGTH ||
          chosen.some((each) => each === undefined || each.label >= classes.length)
        ) {
          context.addIssue('a memory that does not fit');
        }
        return chosen;
      };
      return {
        correction: current,
        memory: remembered(memory, current),
        history: history.map((earlier) => ({
          ...earlier,
          memory: remembered(earlier.memory, earlier.correction),
        })),
        record,
      };
    });
}

function examplesOf(
  cases: { pooled: Int16Array; potentials: Int32Array; labels: Uint8Array },
  { classes, features }: Fit,
): Example[] | null {
  const { pooled, potentials, labels } = cases;
  const n = labels.length;
  if (pooled.length !== n * features || potentials.length !== n * classes.length) return null;
  return Array.from(labels, (label, i) => ({
    pooled: pooled.slice(i * features, (i + 1) * features),
    potentials: potentials.slice(i * classes.length, (i + 1) * classes.length),
    label,
  }));
}
