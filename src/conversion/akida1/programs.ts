/** The programs of a card for an integer graph, and the bundle that carries them. */

import {
  type Akida1Device,
  type AkidaProgram,
  PROGRAM_KINDS,
  type ProgramKind,
} from '../../model/bundle/akida-programs-section.ts';
import type { Akida1Section } from '../../model/bundle/akida1-section.ts';
import type { ModelContents } from '../../model/bundle/bundle.ts';
import type { IntegerGraph } from '../../model/graph.ts';
import { graphDigest } from '../../model/graph-digest.ts';
import { type CompiledProgram, compileForAkida1, PROGRAM_FILES } from './compile.ts';
import { layersFor, networkOf } from './network.ts';
import { programOf } from './program.ts';

export interface CompiledKind extends CompiledProgram {
  readonly kind: ProgramKind;
}

/** Of one device, every kind. */
export interface CompiledPrograms {
  /** What the chip is given of the graph. */
  readonly activations: Akida1Section;
  readonly kinds: readonly CompiledKind[];
}

/**
 * Same graph and device, same bytes.
 * @param python an interpreter from `compilerPython`; a promise, so that a graph that is refused needs none
 * @throws RefusedError `AKIDA_REQUANTISATION`
 * @throws SpikescopeError `AKIDA_COMPILER` where the vendor's mapper refuses, or needs more than one sequence on the card
 */
export async function compilePrograms(
  graph: IntegerGraph,
  device: Akida1Device,
  python: () => Promise<string>,
): Promise<CompiledPrograms> {
  const activations = programOf(graph);
  const layers = networkOf(graph, activations);
  const interpreter = await python();
  const kinds: CompiledKind[] = [];
  for (const kind of PROGRAM_KINDS) {
    kinds.push({ kind, ...(await compileForAkida1(layersFor(kind, layers), device, interpreter)) });
  }
  return { activations, kinds };
}

/** The bundle with these programs in place of what it had for the device; those of other devices stay. */
export function withPrograms<Contents extends ModelContents>(
  contents: Contents,
  device: Akida1Device,
  { activations, kinds }: CompiledPrograms,
): Contents {
  const others = (contents.akidaPrograms?.programs ?? []).filter((program) => program.device !== device);
  return {
    ...contents,
    manifest: { ...contents.manifest, akida1: activations },
    akidaPrograms: {
      version: 1,
      graph: graphDigest(contents.graph),
      programs: [...others, ...kinds.map(carried)],
    },
  };
}

function carried({ kind, report, files }: CompiledKind): AkidaProgram {
  const { device, compiler, deviceVersion, mode, passes, processors } = report;
  const [info, data] = [PROGRAM_FILES.info, PROGRAM_FILES.data].map((name) => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new RangeError(`The compiler wrote no ${name}`);
    return bytes;
  });
  return { device, kind, compiler, deviceVersion, mode, passes, processors, info, data };
}
