import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { z } from 'zod';
import { type Figure, formatted, isMet, wanted } from '../../../bench/figures/figure.ts';
import { measureFigures } from '../../../bench/figures/figures.ts';
import { thisMachine } from '../../../bench/machine.ts';
import { UsageError } from '../../../errors.ts';
import { identityOf } from '../../../model/bundle/bundle.ts';
import { openModel } from '../../../runtime/engine/open-model.ts';
import { note, printJson } from '../../../ui/terminal/console.ts';
import { modelOption, modelSchema, parseOptions } from '../../shared/options.ts';
import { jsonSchema, printTable, suiteCommand } from './suite.ts';

const FLOAT = fileURLToPath(new URL('../../../../models/qana64.checkpoint', import.meta.url));
const HEADER = ['figure', 'measured', 'wanted', '', ''];

const optionsSchema = jsonSchema.extend({
  model: modelSchema.optional(),
  dataset: z.string(),
  fullsize: z.string(),
  float: z.string(),
  out: z.string(),
  docs: z.string().optional(),
});

/** Every figure of a bundle that the data lying here allow; what is not there is named as not measured. */
export function figuresCommand(): Command {
  return suiteCommand('figures', 'Accuracy, latency, crop and readout of a bundle, beside what was wanted')
    .addOption(modelOption())
    .requiredOption('--dataset <folder>', 'HAM10000 with masks/ and split_lesion.csv')
    .requiredOption('--fullsize <folder>', 'images as a camera delivers them')
    .option('--float <model>', 'the float model, ONNX or checkpoint', FLOAT)
    .option('--out <file>', 'where the JSON goes', 'reports/figures.json')
    .option('--docs <file>', 'a Markdown page that takes the table between the comments figures and /figures')
    .action(async (rawOptions: unknown) => {
      const { model, dataset, fullsize, float, out, docs, json } = parseOptions(optionsSchema, rawOptions);
      const { bundle, engine } = await openModel(model);
      const places = { dataset, fullSize: fullsize, float };
      const figures = await measureFigures(bundle, engine, places, (stage) => note(`${stage} …`));
      await engine.close();
      const document = {
        machine: thisMachine(),
        model: identityOf(bundle),
        figures: figures.map((figure) => ({ ...figure, met: isMet(figure) })),
      };
      await mkdir(path.dirname(path.resolve(out)), { recursive: true });
      await writeFile(out, `${JSON.stringify(document, null, 2)}\n`);
      if (docs !== undefined) await writeIntoDocs(docs, document, figures.map(rowOf));
      if (json) printJson(document);
      else printTable([HEADER, ...figures.map(rowOf)], [0, 3, 4]);
    });
}

function rowOf(figure: Figure): string[] {
  const isWanted = isMet(figure);
  const verdict = isWanted === null ? '' : isWanted ? 'met' : 'NOT MET';
  return [figure.name, formatted(figure), wanted(figure), verdict, figure.remark ?? ''];
}

/** Replaces what stands between the two comments. @throws UsageError `DOCS_COMMENTS` */
async function writeIntoDocs(
  file: string,
  { machine, model }: { machine: ReturnType<typeof thisMachine>; model: ReturnType<typeof identityOf> },
  rows: readonly (readonly string[])[],
): Promise<void> {
  const [begin, end] = ['<!-- figures -->', '<!-- /figures -->'];
  const text = await readFile(file, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) {
    throw new UsageError('DOCS_COMMENTS', 'The page has no place for the figures', {
      file,
      expected: `the comments ${begin} and ${end}`,
    });
  }
  const table = [
    `${model.name} ${model.version}, digest \`${model.digest.slice(0, 16)}…\`; ${machine.processor}, ${machine.cores} cores, Node ${machine.node}.`,
    '',
    '| figure | measured | wanted | | |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ];
  await writeFile(file, [text.slice(0, from) + begin, '', ...table, '', text.slice(to)].join('\n'));
}
