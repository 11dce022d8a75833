import { readFile } from 'node:fs/promises';
import { Option } from 'commander';
import { z } from 'zod';
import { HAM10000_CLASSES } from '../../conversion/defaults.ts';
import { reasonOf, UsageError } from '../../errors.ts';
import { PROTOCOLS } from '../../evaluation/protocols/stored-figures.ts';
import { firstIssue } from '../../schema.ts';
import { RECIPES } from '../../training/recipes/named.ts';
import { type Recipe, recipeSchema, type StageRecipe } from '../../training/recipes/recipe.ts';
import { defaultCache, parseOptions } from '../shared/options.ts';

/** `--split-file` of the commands that train. */
export function splitFileOption(): Option {
  return new Option(
    '--split-file <csv>',
    'which image belongs to which split (default: split_lesion.csv in the data set)',
  );
}

/** `--cache` of the commands that train. */
export function cacheOption(): Option {
  return new Option(
    '--cache <folder>',
    'where decoded images are kept (default: below the user’s cache folder)',
  );
}

/** `--classes` of the commands that train. */
export function classesOption(): Option {
  return new Option(
    '--classes <names>',
    'class names in the order of the outputs, comma separated (default: HAM10000’s)',
  );
}

/** What every command that trains wants to know of its images. */
export const trainingImagesSchema = z.object({
  dataset: z.string(),
  splitFile: z.string().optional(),
  cache: z.string().default(defaultCache),
  classes: z
    .string()
    .transform((names) => names.split(','))
    .pipe(z.array(z.string().min(1)).min(2))
    .default([...HAM10000_CLASSES]),
});

const optionsSchema = trainingImagesSchema.extend({
  out: z.string(),
  architecture: z.string().default('qana'),
  recipe: z.string().optional(),
  epochs: z.number().optional(),
  quantisedEpochs: z.number().optional(),
  batch: z.number().optional(),
  learningRate: z.number().optional(),
  seed: z.number().max(2 ** 32 - 1),
  teacher: z.array(z.string()).optional(),
  initial: z.string().optional(),
  mean: z.string().optional(),
  std: z.string().optional(),
  from: z.string().optional(),
  quantise: z.boolean().optional(),
  protocol: z.enum(PROTOCOLS).default('lesion'),
  figuresFor: z.string().optional(),
  resume: z.boolean().default(false),
  backend: z.enum(['torch', 'tfjs-node', 'cpu']).optional(),
  threads: z.number().optional(),
  json: z.boolean().default(false),
});
export type TrainOptions = z.infer<typeof optionsSchema>;

/** @throws UsageError `OPTION` */
export function trainOptions(raw: unknown): TrainOptions {
  return parseOptions(optionsSchema, raw);
}

export type RecipeOptions = Partial<
  Pick<
    TrainOptions,
    'architecture' | 'recipe' | 'epochs' | 'quantisedEpochs' | 'batch' | 'learningRate' | 'quantise' | 'from'
  >
>;

/** The recipe with the options' changes. @throws UsageError `RECIPE`, `OPTION` */
export async function recipeFrom(options: RecipeOptions): Promise<Recipe> {
  const wanted = options.recipe ?? options.architecture ?? 'qana';
  const recipe = RECIPES[wanted] ?? (await readRecipe(wanted));
  const float = withChanges(recipe.float, options.epochs, options);
  if (options.quantise === false) return { ...recipe, float, quantisation: null };
  if (recipe.quantisation === null) {
    if (options.quantise === true || options.from !== undefined) {
      throw new UsageError('OPTION', 'The recipe has no quantised stage', {
        field: options.from === undefined ? '--quantise' : '--from',
        remedy: 'give a recipe with one',
      });
    }
    return { ...recipe, float };
  }
  const { batch } = options;
  const stage = withChanges(
    recipe.quantisation.stage,
    options.quantisedEpochs,
    batch === undefined ? {} : { batch },
  );
  return { ...recipe, float, quantisation: { ...recipe.quantisation, stage } };
}

function withChanges(
  stage: StageRecipe,
  epochs: number | undefined,
  {
    batch,
    learningRate,
  }: { readonly batch?: number | undefined; readonly learningRate?: number | undefined },
): StageRecipe {
  const own = stage.schedule[stage.schedule.length - 1].inputSize;
  return {
    ...stage,
    ...(epochs !== undefined && { schedule: [{ inputSize: own, epochs }] }),
    ...(batch !== undefined && { batch }),
    ...(learningRate !== undefined && { rate: { ...stage.rate, peak: learningRate } }),
  };
}

async function readRecipe(file: string): Promise<Recipe> {
  const refused = (received: string, field?: string) =>
    new UsageError('RECIPE', 'This is no recipe', {
      file,
      ...(field !== undefined && { field }),
      expected: `a JSON file that docs/results/training.md describes, or one of ${Object.keys(RECIPES).join(', ')}`,
      received,
    });
  let document: unknown;
  try {
    document = JSON.parse(await readFile(file, 'utf8'));
  } catch (cause) {
    throw refused(reasonOf(cause));
  }
  const parsed = recipeSchema.safeParse(document);
  if (parsed.success) return parsed.data;
  const { field, problem } = firstIssue(parsed.error);
  throw refused(problem, field);
}
