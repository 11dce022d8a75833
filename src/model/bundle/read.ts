import { open, stat } from 'node:fs/promises';
import { RefusedError, reasonOf } from '../../errors.ts';
import { firstIssue } from '../../schema.ts';
import type { IntegerGraph } from '../graph.ts';
import { ACCUMULATOR_LIMIT } from '../requantise.ts';
import { MAXIMUM_REPLAY, workOf } from '../validate/budget.ts';
import { validateGraph } from '../validate/validate.ts';
import { areWithin } from '../validate/within.ts';
import { akidaProgramsProblem } from './akida-programs-section.ts';
import { akida1Problem } from './akida1-section.ts';
import { withArrays } from './arrays.ts';
import type { GoldenCase, ModelBundle } from './bundle.ts';
import { classTableProblem } from './class-table-section.ts';
import { MAXIMUM_BUNDLE_BYTES, unpackContainer } from './container.ts';
import { documentSchema, latestPartOf } from './document.ts';
import { type LearningSection, learningProblem } from './learning-section.ts';
import { scopeProblem } from './scope-section.ts';
import { triageProblem } from './triage-section.ts';

/**
 * Parses and checks a bundle: magic, format, digest, schema, and every bound that an engine relies on.
 * It is not trusted before `replayGolden` has passed on the engine that will run it.
 * @throws RefusedError `BUNDLE_*`, `GRAPH_*`
 */
export function parseBundle(bytes: Uint8Array, file: string): ModelBundle {
  const { formatVersion, document, data, digest } = unpackContainer(bytes, file);
  const parsed = documentSchema.safeParse(withArrays(document, data), { jitless: true });
  if (!parsed.success) {
    const { field, problem } = firstIssue(parsed.error);
    throw new RefusedError('BUNDLE_SCHEMA', 'The bundle does not follow its format', {
      file,
      field,
      received: problem,
      remedy: 'convert the model again with this version of spikescope',
    });
  }
  const contents = parsed.data;
  refuseForeignParts(contents, formatVersion, file);
  try {
    validateGraph(contents.graph);
    validateAgreement(contents);
  } catch (error) {
    if (error instanceof RefusedError) {
      throw new RefusedError(error.code, error.message, { file, ...error.details });
    }
    throw error;
  }
  return { ...contents, digest };
}

/** A part that an older format does not have: who reads only that one would refuse the bundle without saying why. */
function refuseForeignParts(
  contents: Parameters<typeof latestPartOf>[0],
  formatVersion: number,
  file: string,
): void {
  const latest = latestPartOf(contents);
  if (latest === null || latest.format <= formatVersion) return;
  throw new RefusedError('BUNDLE_SCHEMA', 'The bundle does not follow its format', {
    file,
    field: latest.field,
    expected: `nothing of the kind in format ${formatVersion}; format ${latest.format} has it`,
    remedy: 'convert the model again with this version of spikescope',
  });
}

/** Reads a bundle from disk. @throws RefusedError as `parseBundle`, and `BUNDLE_UNREADABLE` */
export async function readBundle(file: string): Promise<ModelBundle> {
  return parseBundle(await readWhole(file), file);
}

async function readWhole(file: string): Promise<Uint8Array> {
  try {
    // Before opening, because opening a named pipe waits for its writer.
    if (!(await stat(file)).isFile()) throw new Error('not a regular file');
    const handle = await open(file, 'r');
    try {
      const { size } = await handle.stat();
      if (size > MAXIMUM_BUNDLE_BYTES) {
        throw new RefusedError('BUNDLE_TOO_LARGE', 'The file is too large for a model bundle', {
          file,
          expected: `at most ${MAXIMUM_BUNDLE_BYTES} bytes`,
          received: `${size} bytes`,
        });
      }
      const bytes = new Uint8Array(size);
      const { bytesRead } = await handle.read(bytes, 0, size, 0);
      return bytesRead === size ? bytes : await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof RefusedError) throw cause;
    throw new RefusedError('BUNDLE_UNREADABLE', 'The model bundle cannot be read', {
      file,
      received: reasonOf(cause),
      remedy:
        'give the path of a model bundle, or the name of one that ships (`spikescope doctor` lists them)',
      cause,
    });
  }
}

/** Parts of a bundle that must fit one another. */
function validateAgreement(contents: Omit<ModelBundle, 'digest'>): void {
  const { graph, preprocessing, readout, golden, learning, classTable, triage, scope } = contents;
  const [height, width, channels] = graph.input.shape;
  if (height !== preprocessing.height || width !== preprocessing.width || channels !== 3) {
    throw disagreement(
      'preprocessing',
      `${height}×${width}×${channels} as the graph's input`,
      `${preprocessing.height}×${preprocessing.width}×3`,
    );
  }
  if (readout.thresholds.length !== graph.classes.length) {
    throw disagreement(
      'readout.thresholds',
      `${graph.classes.length} values`,
      `${readout.thresholds.length}`,
    );
  }
  golden.forEach(({ input, potentials }: GoldenCase, i: number) => {
    if (input.length !== height * width * channels || potentials.length !== graph.classes.length) {
      throw disagreement(
        `golden.${i}`,
        `an input of ${height * width * channels} bytes and ${graph.classes.length} potentials`,
        `${input.length} and ${potentials.length}`,
      );
    }
  });
  const work = workOf(graph) * golden.length;
  if (work > MAXIMUM_REPLAY) {
    throw disagreement('golden', `inputs that are replayed with ${MAXIMUM_REPLAY} multiply-adds`, `${work}`);
  }
  if (learning !== undefined) validateLearning(learning, graph);
  const { akida1 } = contents.manifest;
  const other = akida1 === undefined ? null : akida1Problem(akida1, graph);
  if (other !== null) throw disagreement('manifest.akida1', 'layers and classes of the graph', other);
  const fault = classTable === undefined ? null : classTableProblem(classTable, graph);
  if (fault !== null) throw disagreement('classTable', 'a table that fits the graph', fault);
  const strange = triage === undefined ? null : triageProblem(triage, graph);
  if (strange !== null) throw disagreement('triage', 'a rule that fits the graph', strange);
  const misfit = scope === undefined ? null : scopeProblem(scope, graph);
  if (misfit !== null) throw disagreement('scope', 'distributions that fit the graph', misfit);
  const { akidaPrograms } = contents;
  const foreign = akidaPrograms === undefined ? null : akidaProgramsProblem(akidaPrograms, graph, akida1);
  if (foreign !== null) {
    const remedy =
      'convert the model again, then compile its programs with `spikescope export --format akida --into-bundle`';
    throw disagreement('akidaPrograms', 'programs compiled from the graph', foreign, remedy);
  }
}

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

function disagreement(field: string, expected: string, received: string, remedy?: string): RefusedError {
  return new RefusedError('BUNDLE_INCONSISTENT', 'Two parts of the bundle contradict each other', {
    field,
    expected,
    received,
    ...(remedy !== undefined && { remedy }),
  });
}
