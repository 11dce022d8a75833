/** A whole training by a recipe: the float stage, folding, the quantised stage. */
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { separateImage } from '../../conversion/calibration/groups.ts';
import { composeAndFold } from '../../conversion/compose/choose.ts';
import { floatGraphOf } from '../../conversion/float/architecture.ts';
import { UsageError } from '../../errors.ts';
import { makeFolder } from '../../make-folder.ts';
import { readCheckpoint, writeCheckpoint } from '../../model/checkpoint/file.ts';
import { answeringArrays, type Checkpoint } from '../../model/checkpoint/format.ts';
import { carriedStart } from '../network/carried-start.ts';
import { architectureOf } from '../network/folded.ts';
import { initialArrays } from '../network/initialise.ts';
import { planQuantisation } from '../network/plan.ts';
import { adopted, type ForeignNetwork, startingPoint } from '../network/starting-point.ts';
import { networkOf } from '../recipes/network.ts';
import type { QuantisationRecipe, Recipe, StageRecipe } from '../recipes/recipe.ts';
import { STAGE_FILES, TRAINING_FILES } from './files.ts';
import { cutLog, type EpochEntry } from './log.ts';
import { runStage, type StageData, type StageJob } from './stage.ts';
import type { Teacher } from './teacher.ts';

export type StageName = 'float' | 'quantised';

export interface TrainingSource {
  /** Images for a stage with this recipe. */
  stage(recipe: StageRecipe): StageData;
  /** Training images as the device sees them, raw bytes, evenly spaced over the split. */
  calibration(inputSize: number, count: number): Promise<Uint8Array[]>;
}

export interface TrainingJob {
  /** Folder of the training; made when missing. */
  readonly folder: string;
  readonly recipe: Recipe;
  readonly classes: readonly string[];
  /** Unsigned 32-bit integer. */
  readonly seed: number;
  readonly source: TrainingSource;
  readonly teachers: readonly Teacher[];
  /** Goes on where the folder's checkpoints stand. */
  readonly resume: boolean;
  /** A trained float network in place of the float stage. */
  readonly from: Checkpoint | null;
  /**
   * What the float stage goes on from: a trained float network of the recipe's architecture, or one from elsewhere;
   * without it, random weights.
   */
  readonly initial?: Checkpoint | ForeignNetwork;
  readonly onStage?: (stage: StageName, epochs: number) => void;
  readonly onTeaching?: StageJob['onTeaching'];
  readonly onStep?: StageJob['onStep'];
  readonly onEpoch?: (stage: StageName, entry: EpochEntry) => void;
}

/**
 * @returns the result, which also lies in the folder as `model.checkpoint`
 * @throws UsageError `TRAINING_FOLDER` where the folder holds another training; SpikescopeError `TRAINING_DIVERGED`
 */
export async function train(job: TrainingJob): Promise<Checkpoint> {
  await prepareFolder(job);
  const float = job.from ?? (await floatStage(job));
  const result =
    job.recipe.quantisation === null ? float : await quantisedStage(job, job.recipe.quantisation, float);
  await writeCheckpoint(path.join(job.folder, TRAINING_FILES.result), result);
  return result;
}

async function floatStage(job: TrainingJob): Promise<Checkpoint> {
  return runNamed(job, 'float', job.recipe.float, async (resumed) => {
    if (resumed !== null) return { ...resumed, start: resumed };
    return { ...(await startOf(job)), quantisation: null };
  });
}

async function startOf({
  recipe,
  classes,
  seed,
  initial,
  source,
}: TrainingJob): Promise<Pick<StageJob, 'architecture' | 'start'>> {
  const { network } = recipe;
  if (initial !== undefined && 'graph' in initial) {
    const images = await source.calibration(network.inputSize, STATISTICS_IMAGES);
    const options = { name: recipe.name, ...network, classes: classes.length, images, seed };
    const { architecture, ...start } = startingPoint(initial.graph, {
      ...options,
      ...(initial.normalisation && { normalisation: initial.normalisation }),
    });
    if (network.kind === 'imported') return { architecture, start };
    const own = networkOf(network, classes.length);
    return { architecture: own, start: adopted({ architecture, ...start }, own) };
  }
  const architecture = networkOf(network, classes.length);
  const start =
    initial === undefined ? initialArrays(architecture, seed) : carriedStart(initial, architecture);
  return { architecture, start };
}

/** Training images of which a foreign network's batch norms take their statistics. */
const STATISTICS_IMAGES = 256;

async function quantisedStage(
  job: TrainingJob,
  quantised: QuantisationRecipe,
  float: Checkpoint,
): Promise<Checkpoint> {
  const { stage, calibrationImages } = quantised;
  const graph = separateImage(
    composeAndFold(floatGraphOf(float.architecture, answeringArrays(float)), 'auto'),
  );
  const { architecture, parameters } = architectureOf(graph, float.architecture.name);
  return runNamed(job, 'quantised', stage, async (resumed) => {
    if (resumed !== null) return { ...resumed, start: resumed };
    const images = await job.source.calibration(architecture.inputShape[0], calibrationImages);
    const { quantisation, steps } = await planQuantisation(
      graph,
      architecture,
      parameters,
      images,
      quantised,
    );
    const start = { parameters: new Map([...parameters, ...steps]), statistics: new Map() };
    return { architecture, start, quantisation };
  });
}

type Beginning = Pick<StageJob, 'architecture' | 'start' | 'quantisation'>;

async function runNamed(
  job: TrainingJob,
  name: StageName,
  recipe: StageRecipe,
  begin: (resumed: Checkpoint | null) => Promise<Beginning>,
): Promise<Checkpoint> {
  const folder = path.join(job.folder, name);
  const { resume, classes, seed, source, teachers, onStage, onTeaching, onStep, onEpoch } = job;
  const recipeDocument = documentOf(job, name);
  const resumed = resume ? await lastCheckpoint(folder, recipeDocument) : null;
  onStage?.(
    name,
    recipe.schedule.reduce((sum, { epochs }) => sum + epochs, 0),
  );
  makeFolder(folder);
  await cutLog(path.join(folder, STAGE_FILES.log), resumed?.progress.epochs ?? 0);
  const last = await runStage({
    ...(await begin(resumed)),
    folder,
    recipe,
    recipeDocument,
    classes,
    seed,
    data: source.stage(recipe),
    teachers,
    resumed,
    ...(onTeaching && { onTeaching }),
    onStep: onStep ?? (() => {}),
    onEpoch: (entry) => onEpoch?.(name, entry),
  });
  return recipe.select === 'best'
    ? readCheckpoint(path.join(folder, STAGE_FILES.best))
    : { ...last, optimiser: null };
}

/** What a stage's checkpoints remember, so that none is resumed by another recipe. */
function documentOf({ recipe, seed }: TrainingJob, stage: StageName): unknown {
  return JSON.parse(JSON.stringify({ stage, seed, recipe }));
}

/** Null where the stage has not finished its first epoch. @throws UsageError `RESUME_RECIPE` */
async function lastCheckpoint(folder: string, recipeDocument: unknown): Promise<Checkpoint | null> {
  const names = await readdir(folder).catch((): string[] => []);
  // What a killed process was writing.
  await Promise.all(names.filter(isTemporary).map((name) => rm(path.join(folder, name), { force: true })));
  if (!names.includes(STAGE_FILES.last)) return null;
  const file = path.join(folder, STAGE_FILES.last);
  const checkpoint = await readCheckpoint(file);
  if (!isDeepStrictEqual(checkpoint.recipe, recipeDocument)) {
    throw new UsageError('RESUME_RECIPE', 'This training was begun by another recipe or seed', {
      file,
      remedy: 'resume with the same options, or train into another folder',
    });
  }
  return checkpoint;
}

function isTemporary(name: string): boolean {
  return name.startsWith(`.${STAGE_FILES.last}.`) || name.startsWith(`.${STAGE_FILES.best}.`);
}

async function prepareFolder({ folder, resume }: TrainingJob): Promise<void> {
  makeFolder(folder);
  const taken = (await readdir(folder)).filter((name) => OWN.includes(name));
  if (taken.length === 0 || resume) return;
  throw new UsageError('TRAINING_FOLDER', 'The folder holds a training already', {
    file: folder,
    received: taken.join(', '),
    remedy: 'go on with it by --resume, or give another folder to --out',
  });
}

const OWN: readonly string[] = ['float', 'quantised', TRAINING_FILES.result];
