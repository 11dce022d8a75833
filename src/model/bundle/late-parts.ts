/**
 * Parts of a bundle that no reading needs: what people ask for, what learning and cards need. Each is checked when it is
 * first asked for; a start, after which the first reading waits, has not the time.
 */
import type { IntegerGraph } from '../graph.ts';
import { ACCUMULATOR_LIMIT } from '../requantise.ts';
import { areWithin } from '../validate/within.ts';
import { akidaProgramsProblem } from './akida-programs-section.ts';
import { akida1Problem } from './akida1-section.ts';
import type { ModelBundle } from './bundle.ts';
import { LATE_SCHEMAS } from './document.ts';
import { type LearningSection, learningProblem } from './learning-section.ts';
import { disagreement, parsePart, withFile } from './part.ts';

const LATE_PARTS = ['manifest', 'card', 'learning', 'akidaPrograms'] as const;
type LatePart = (typeof LATE_PARTS)[number];
type Unchecked = Readonly<Partial<Record<LatePart, unknown>>>;

/** A bundle without its late parts. */
export type EarlyContents = Omit<ModelBundle, LatePart | 'digest'>;

/** A bundle's document: what a start needs, and what is checked later. Any other value is left as it is. */
export function divided(document: unknown): { early: unknown; late: Unchecked } {
  if (typeof document !== 'object' || document === null) return { early: document, late: {} };
  const isLate = ([name]: [string, unknown]) => LATE_PARTS.some((part) => part === name);
  const members = Object.entries(document);
  return {
    early: Object.fromEntries(members.filter((member) => !isLate(member))),
    late: Object.fromEntries(members.filter(isLate)),
  };
}

/** A bundle whose late parts are checked once, when they are first asked for. */
export function withLateParts(
  early: EarlyContents & { readonly digest: string },
  late: Unchecked,
  file: string,
): ModelBundle {
  const { graph } = early;
  const manifest = once(() => {
    const { manifest } = parsePart(LATE_SCHEMAS.manifest, pick(late, 'manifest'), file);
    const problem = manifest.akida1 === undefined ? null : akida1Problem(manifest.akida1, graph);
    refuse(problem, file, 'manifest.akida1', 'layers and classes of the graph');
    return manifest;
  });
  const card = once(() => parsePart(LATE_SCHEMAS.card, pick(late, 'card'), file).card);
  const learning = once(() => {
    const { learning } = parsePart(LATE_SCHEMAS.learning, pick(late, 'learning'), file);
    if (learning !== undefined) withFile(file, () => validateLearning(learning, graph));
    return learning;
  });
  const akidaPrograms = once(() => {
    const { akidaPrograms } = parsePart(LATE_SCHEMAS.akidaPrograms, pick(late, 'akidaPrograms'), file);
    if (akidaPrograms === undefined) return akidaPrograms;
    const problem = akidaProgramsProblem(akidaPrograms, graph, manifest().akida1);
    refuse(problem, file, 'akidaPrograms', 'programs compiled from the graph', COMPILE_AGAIN);
    return akidaPrograms;
  });
  return {
    ...early,
    get manifest() {
      return manifest();
    },
    get card() {
      return card();
    },
    get learning() {
      return learning();
    },
    get akidaPrograms() {
      return akidaPrograms();
    },
  };
}

/** Asks for every late part. @throws RefusedError `BUNDLE_SCHEMA`, `BUNDLE_INCONSISTENT` where one is wrong */
export function checkLateParts(bundle: ModelBundle): void {
  for (const part of LATE_PARTS) void bundle[part];
}

/** The part alone, absent where it is, so that a fault names it. */
function pick(late: Unchecked, part: LatePart): Unchecked {
  return part in late ? { [part]: late[part] } : {};
}

function once<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | null = null;
  return () => {
    made ??= { value: make() };
    return made.value;
  };
}

function refuse(
  problem: string | null,
  file: string,
  ...[field, expected, remedy]: [field: string, expected: string, remedy?: string]
): void {
  if (problem === null) return;
  withFile(file, () => {
    throw disagreement(field, expected, problem, remedy);
  });
}

const COMPILE_AGAIN =
  'convert the model again, then compile its programs with `spikescope export --format akida --into-bundle`';

/** Cases at most, for the guard and for rehearsal: every update is judged by all of them. */
const MAXIMUM_CASES = 8192;

function validateLearning(learning: LearningSection, graph: IntegerGraph): void {
  const problem = learningProblem(learning, graph);
  if (problem !== null) throw disagreement('learning', 'sets that fit the graph', problem);
  for (const [name, { labels, potentials }] of Object.entries({
    guard: learning.guard,
    rehearsal: learning.rehearsal,
  })) {
    const field = `learning.${name}`;
    if (labels.length > MAXIMUM_CASES) {
      throw disagreement(field, `at most ${MAXIMUM_CASES} cases`, `${labels.length}`);
    }
    if (!areWithin(potentials, -ACCUMULATOR_LIMIT, ACCUMULATOR_LIMIT)) {
      throw disagreement(field, 'potentials that a graph can make', 'larger ones');
    }
  }
}
