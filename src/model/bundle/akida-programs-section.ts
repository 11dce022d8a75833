/**
 * Programs of Akida cards (Akida 1.0), compiled from the bundle's graph by the vendor's compiler; a bundle without them is
 * read by processors only.
 *
 * A program is the vendor's two size-prefixed FlatBuffers. The digest of the bundle says that they are whole, not that their
 * author means well: whoever gives them to a card's engine verifies them first, then the golden inputs judge the answers.
 */
import { z } from 'zod';
import type { IntegerGraph } from '../graph.ts';
import { graphDigest } from '../graph-digest.ts';
import type { Akida1Section } from './akida1-section.ts';
import { ARRAYS } from './arrays.ts';
import { plainName, whole } from './fields.ts';

export const AKIDA1_DEVICES = ['akd1000', 'akd1500'] as const;
export type Akida1Device = (typeof AKIDA1_DEVICES)[number];

/** `whole`: image in, potentials out. `backbone`: image in, embedding out, so that the host computes the head. */
export const PROGRAM_KINDS = ['whole', 'backbone'] as const;
export type ProgramKind = (typeof PROGRAM_KINDS)[number];

const MAXIMUM_INFO_BYTES = 2 ** 20;
/** `qana-akd1000` takes 0.8 MB; a card sees no more memory of its host than a small multiple of this bound. */
const MAXIMUM_DATA_BYTES = 2 ** 26;
/** Of the length that stands before a FlatBuffer, little endian. */
const PREFIX_BYTES = 4;

/** What a card of one kind is programmed with. */
export interface AkidaProgram {
  readonly device: Akida1Device;
  readonly kind: ProgramKind;
  /** Version of the vendor's compiler, which a card's engine must be of too. */
  readonly compiler: string;
  /** As the card's identification register has it, for example `BC.00.000.002`. */
  readonly deviceVersion: string;
  /** How the vendor's mapper was told to place layers. */
  readonly mode: string;
  /** How often an image goes through the card's mesh. */
  readonly passes: number;
  /** Neural processors: those that the program uses, and those that the device has. */
  readonly processors: { readonly used: number; readonly of: number };
  /** `program_info`, the head of the program: shapes, versions, where the tracks lie. */
  readonly info: Uint8Array;
  /** `program_data`, what the card is configured with. */
  readonly data: Uint8Array;
}

/** The section in a bundle. */
export interface AkidaProgramsSection {
  readonly version: 1;
  /** `graphDigest` of the graph that they compute. */
  readonly graph: string;
  /** At most one of each kind for each device. */
  readonly programs: readonly AkidaProgram[];
}

const programSchema = z.strictObject({
  device: z.enum(AKIDA1_DEVICES),
  kind: z.enum(PROGRAM_KINDS),
  compiler: plainName(64),
  deviceVersion: plainName(64),
  mode: plainName(64),
  passes: whole(1, 65_535),
  processors: z.strictObject({ used: whole(1, 65_535), of: whole(1, 65_535) }),
  info: ARRAYS.uint8,
  data: ARRAYS.uint8,
});

export const akidaProgramsSchema = z.strictObject({
  version: z.literal(1),
  graph: z.string().regex(/^[0-9a-f]{64}$/, 'expected a SHA-256 in hexadecimal'),
  programs: z
    .array(programSchema)
    .min(1)
    .max(AKIDA1_DEVICES.length * PROGRAM_KINDS.length),
});

/** The program for a device; null where the bundle has none. */
export function akidaProgramOf(
  { akidaPrograms }: { readonly akidaPrograms?: AkidaProgramsSection | undefined },
  device: Akida1Device,
  kind: ProgramKind,
): AkidaProgram | null {
  return (
    akidaPrograms?.programs.find((program) => program.device === device && program.kind === kind) ?? null
  );
}

/** Devices in their order, of each `whole` before `backbone`: the order in which a bundle holds them. */
export function inProgramOrder(programs: readonly AkidaProgram[]): AkidaProgram[] {
  const rank = ({ device, kind }: AkidaProgram) =>
    AKIDA1_DEVICES.indexOf(device) * PROGRAM_KINDS.length + PROGRAM_KINDS.indexOf(kind);
  return [...programs].sort((a, b) => rank(a) - rank(b));
}

/** What does not fit the graph or itself, in words; null when all does. */
export function akidaProgramsProblem(
  { graph: compiledFrom, programs }: AkidaProgramsSection,
  graph: IntegerGraph,
  activations: Akida1Section | undefined,
): string | null {
  if (activations === undefined)
    return 'programs without manifest.akida1, whose shifts their potentials need';
  const names = programs.map(({ device, kind }) => `${device} ${kind}`);
  const twice = names.find((name, i) => names.indexOf(name) < i);
  if (twice !== undefined) return `two programs ${twice}`;
  for (const [i, program] of programs.entries()) {
    const problem = programProblem(program);
    if (problem !== null) return `${names[i]}: ${problem}`;
  }
  return compiledFrom === graphDigest(graph) ? null : 'programs of another graph';
}

function programProblem({ processors: { used, of }, info, data }: AkidaProgram): string | null {
  if (used > of) return `${used} of ${of} processors`;
  return bufferProblem('info', info, MAXIMUM_INFO_BYTES) ?? bufferProblem('data', data, MAXIMUM_DATA_BYTES);
}

function bufferProblem(name: string, bytes: Uint8Array, most: number): string | null {
  if (bytes.length <= PREFIX_BYTES || bytes.length > most) return `${bytes.length} bytes of ${name}`;
  const stated = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  return stated === bytes.length - PREFIX_BYTES
    ? null
    : `${name} of ${bytes.length} bytes that states ${stated} behind its first four`;
}
