/** The JSON document of a bundle: its schema, and the way back. */
import { z } from 'zod';
import type { IntegerGraph } from '../graph.ts';
import { type AkidaProgramsSection, akidaProgramsSchema, inProgramOrder } from './akida-programs-section.ts';
import { ARRAYS, ArrayWriter } from './arrays.ts';
import type { ModelContents } from './bundle.ts';
import { cardSchema } from './card.ts';
import { type ClassTableSection, classTableSchema } from './class-table-section.ts';
import { CARD_FORMAT, CHOICE_FORMAT, CLASS_TABLE_FORMAT, FIRST_FORMAT, TRIAGE_FORMAT } from './container.ts';
import { manifestSchema, preprocessingSchema, readoutSchema } from './contract.ts';
import { classNames, foreignNames, plainName, scale, text, whole } from './fields.ts';
import { type LearningSection, learningSchema } from './learning-section.ts';
import { type LightSection, lightSchema } from './light-section.ts';
import { type GaussianSection, type ScopeSection, scopeSchema } from './scope-section.ts';
import { type TriageSection, triageSchema } from './triage-section.ts';

/** Far more than any network for these processors has; what an engine plans grows with the square. */
export const MAXIMUM_NODES = 4096;
const byte = whole(0, 255);
const name = z.string().min(1).max(256);
const size = whole(1, 65_536);
const pair = z.tuple([size, size]).readonly();
const quantisation = z.strictObject({ scale, zeroPoint: byte });
const tensor = z.strictObject({
  shape: z.tuple([size, size, whole(1, 2 ** 24)]),
  quantisation,
});
const margin = whole(0, 4096);
const padding = z.strictObject({ top: margin, left: margin, bottom: margin, right: margin });
const clamp = z.strictObject({ minimum: byte, maximum: byte });

const { int8, uint8, int16, int32, float64 } = ARRAYS;
/** Names that the float model gave its nodes: kept for people, and written as they came. */
const sources = foreignNames(MAXIMUM_NODES);
const base = { name, sources, output: tensor };
const requantisation = z.strictObject({ multiplier: int16, shift: uint8 });
const layer = { weights: int8, weightScales: float64, bias: int32, requantisation, clamp };
const window = { input: name, kernel: pair, stride: pair, padding };
const node = z.discriminatedUnion('op', [
  z.strictObject({
    ...base,
    op: z.literal('convolution'),
    ...window,
    groups: size,
    paddingValues: uint8,
    ...layer,
  }),
  z.strictObject({ ...base, op: z.literal('dense'), input: name, ...layer }),
  z.strictObject({
    ...base,
    op: z.literal('add'),
    inputs: z.array(name).min(1).max(MAXIMUM_NODES),
    multipliers: int16,
    shift: whole(0, 30),
    clamp,
  }),
  z.strictObject({ ...base, op: z.literal('concat'), inputs: z.array(name).min(1).max(MAXIMUM_NODES) }),
  z.strictObject({ ...base, op: z.literal('multiply'), input: name, gate: name, requantisation, clamp }),
  z.strictObject({ ...base, op: z.literal('table'), input: name, function: text(256), table: uint8 }),
  z.strictObject({ ...base, op: z.literal('averagePool'), ...window, requantisation, clamp }),
  z.strictObject({ ...base, op: z.literal('maxPool'), ...window }),
  z.strictObject({ ...base, op: z.literal('flatten'), input: name }),
  z.strictObject({ ...base, op: z.literal('pad'), input: name, padding }),
  z.strictObject({
    ...base,
    op: z.literal('select'),
    input: name,
    rows: int32,
    columns: int32,
    channels: int32,
  }),
  z.strictObject({
    ...base,
    op: z.literal('extremum'),
    inputs: z.array(name).min(1).max(MAXIMUM_NODES),
    kind: z.enum(['maximum', 'minimum']),
  }),
  z.strictObject({ ...base, op: z.literal('channelMaximum'), input: name }),
]);
const graph = z.strictObject({
  input: tensor,
  classes: classNames,
  nodes: z.array(node).max(MAXIMUM_NODES),
  head: z.strictObject({
    input: name,
    sources,
    weights: int8,
    bias: int32,
    scale,
  }),
});

/** What every reading needs, arrays resolved by `withArrays`. */
export const startSchema = z.strictObject({
  name: plainName(128),
  version: plainName(64),
  graph,
  preprocessing: preprocessingSchema,
  readout: readoutSchema,
  golden: z
    .array(z.strictObject({ input: uint8, potentials: int32 }))
    .min(1)
    .max(64),
  classTable: classTableSchema.optional(),
  assumedClasses: z.literal(true).optional(),
  triage: triageSchema.optional(),
  scope: scopeSchema.optional(),
  light: lightSchema.optional(),
});

/** What people, learning and cards ask for, each part under its name. */
export const LATE_SCHEMAS = {
  manifest: z.strictObject({ manifest: manifestSchema }),
  card: z.strictObject({ card: cardSchema }),
  learning: z.strictObject({ learning: learningSchema.optional() }),
  akidaPrograms: z.strictObject({ akidaPrograms: akidaProgramsSchema.optional() }),
} as const;

/** Contents, or a document that holds them and whose late parts nothing has checked yet. */
type Dated = Readonly<Partial<Record<keyof ModelContents, unknown>>>;

const has = (part: unknown, member: string) =>
  typeof part === 'object' &&
  part !== null &&
  member in part &&
  part[member as keyof typeof part] !== undefined;

const CHOICES: ReadonlySet<unknown> = new Set(['select', 'extremum', 'channelMaximum']);

/** Whether a graph chooses or compares values, which engines of older formats do not know. */
function hasChoices(graph: unknown): boolean {
  if (!has(graph, 'nodes')) return false;
  const { nodes } = graph as { readonly nodes: unknown };
  return (
    Array.isArray(nodes) &&
    nodes.some((one: unknown) => has(one, 'op') && CHOICES.has((one as { op: unknown }).op))
  );
}

/** Parts that came later, with the format that first had them and whether contents have them; the latest first. */
const LATER_PARTS: readonly (readonly [field: string, format: number, isIn: (contents: Dated) => boolean])[] =
  [
    ['graph.nodes', CHOICE_FORMAT, ({ graph }) => hasChoices(graph)],
    ['akidaPrograms', CARD_FORMAT, (contents) => has(contents, 'akidaPrograms')],
    ['assumedClasses', CHOICE_FORMAT, (contents) => has(contents, 'assumedClasses')],
    ['light', CARD_FORMAT, (contents) => has(contents, 'light')],
    ['scope', TRIAGE_FORMAT, (contents) => has(contents, 'scope')],
    ['triage', TRIAGE_FORMAT, (contents) => has(contents, 'triage')],
    ['manifest.akida1', TRIAGE_FORMAT, ({ manifest }) => has(manifest, 'akida1')],
    ['card.triage', TRIAGE_FORMAT, ({ card }) => has(card, 'triage')],
    ['card.intendedUse', TRIAGE_FORMAT, ({ card }) => has(card, 'intendedUse')],
    ['classTable', CLASS_TABLE_FORMAT, (contents) => has(contents, 'classTable')],
  ];

/** The part of these contents that the fewest formats have; null where the first format has all. */
export function latestPartOf(contents: Dated): { field: string; format: number } | null {
  const part = LATER_PARTS.find(([, , isIn]) => isIn(contents));
  return part === undefined ? null : { field: part[0], format: part[1] };
}

/** The oldest format that has all parts of these contents, so that a bundle without the later ones keeps its bytes. */
export function formatOf(contents: Dated): number {
  return latestPartOf(contents)?.format ?? FIRST_FORMAT;
}

/** Replaces every typed array by a reference into the returned data. Same contents, same bytes. */
export function documentOf(contents: ModelContents): { document: unknown; data: Uint8Array } {
  const { name, version, graph, preprocessing, readout, golden, manifest, card } = contents;
  const { learning, classTable, assumedClasses, triage, scope, light, akidaPrograms } = contents;
  const writer = new ArrayWriter();
  const document = withReferences(
    {
      ...{ name, version, preprocessing, readout, manifest, card, graph: ordered(graph), golden },
      ...(learning !== undefined && { learning: orderedLearning(learning) }),
      ...(classTable !== undefined && { classTable: orderedTable(classTable) }),
      ...(assumedClasses === true && { assumedClasses }),
      ...(triage !== undefined && { triage: orderedTriage(triage) }),
      ...(scope !== undefined && { scope: orderedScope(scope) }),
      ...(light !== undefined && { light: orderedLight(light) }),
      ...(akidaPrograms !== undefined && { akidaPrograms: orderedPrograms(akidaPrograms) }),
    },
    writer,
  );
  return { document, data: writer.bytes() };
}

function ordered({ input, classes, nodes, head }: IntegerGraph): IntegerGraph {
  return { input, classes, nodes, head };
}

function orderedLearning(section: LearningSection): LearningSection {
  const { version, features, watchedClass, guard, rehearsal } = section;
  return { version, features, watchedClass, guard, rehearsal };
}

function orderedTriage(section: TriageSection): TriageSection {
  const { version, score, malignant, threshold, method, sensitivity, lesions, expected } = section;
  return { version, score, malignant, threshold, method, sensitivity, lesions, expected };
}

function orderedScope(section: ScopeSection): ScopeSection {
  const { version, method, weights, bias, outOfScope, unfamiliar, fittedOn, expected } = section;
  return {
    ...{ version, method, statistics: orderedGaussian(section.statistics) },
    ...{ embedding: orderedGaussian(section.embedding), weights, bias },
    ...{ outOfScope, unfamiliar, fittedOn, expected },
  };
}

function orderedGaussian({ mean, axes, deviations, restDeviation }: GaussianSection): GaussianSection {
  return { mean, axes, deviations, restDeviation };
}

function orderedLight({ version, mean, precision, limit, fittedOn }: LightSection): LightSection {
  return { version, mean, precision, limit, fittedOn };
}

function orderedPrograms({ version, graph, programs }: AkidaProgramsSection): AkidaProgramsSection {
  const ordered = inProgramOrder(programs).map((program) => {
    const { device, kind, compiler, deviceVersion, mode, passes, info, data } = program;
    const { used, of } = program.processors;
    return { device, kind, compiler, deviceVersion, mode, passes, processors: { used, of }, info, data };
  });
  return { version, graph, programs: ordered };
}

function orderedTable({ version, classes }: ClassTableSection): ClassTableSection {
  const ordered = classes.map(({ code, names, risk, snomed, icd10, watched }) => ({
    ...{ code, names: Object.fromEntries(Object.entries(names).sort(([a], [b]) => (a < b ? -1 : 1))) },
    ...(risk !== undefined && { risk }),
    ...(snomed !== undefined && { snomed }),
    ...(icd10 !== undefined && { icd10 }),
    ...(watched !== undefined && { watched }),
  }));
  return { version, classes: ordered };
}

function withReferences(value: unknown, writer: ArrayWriter): unknown {
  if (
    value instanceof Int8Array ||
    value instanceof Uint8Array ||
    value instanceof Int16Array ||
    value instanceof Int32Array ||
    value instanceof Float32Array ||
    value instanceof Float64Array
  ) {
    return writer.add(value);
  }
  if (Array.isArray(value)) return value.map((item) => withReferences(item, writer));
  if (typeof value === 'object' && value !== null) {
    return Object.fromEntries(
      Object.entries(value).map(([key, item]) => [key, withReferences(item, writer)]),
    );
  }
  return value;
}
