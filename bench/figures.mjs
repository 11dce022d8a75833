/**
 * Every figure that the main job must show, measured on what lies here, as a table and as reports/figures.json:
 *
 *   node bench/figures.mjs [--model B] [--dataset DIR] [--fullsize DIR] [--float CHECKPOINT|ONNX] [--out FILE] [--docs FILE]
 *
 * Without options it measures what ships, on what lies in ../shared. What is not there is named as not measured. With --docs it also writes the
 * table into a Markdown file, between the comments `figures` and `/figures`.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { prepare } from '../scripts/prepare.mjs';

const shared = fileURLToPath(new URL('../../shared', import.meta.url));
const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    dataset: { type: 'string', default: path.join(shared, 'ham10000') },
    fullsize: { type: 'string', default: path.join(shared, 'ham10000-fullsize/images') },
    float: {
      type: 'string',
      default: fileURLToPath(new URL('../models/qana64.checkpoint', import.meta.url)),
    },
    out: { type: 'string', default: 'reports/figures.json' },
    docs: { type: 'string' },
  },
});

await prepare();
const { openModel } = await import('../dist/runtime/engine/open-model.js');
const { measureFigures } = await import('../dist/bench/figures/figures.js');
const { formatted, isMet, wanted } = await import('../dist/bench/figures/figure.js');
const { thisMachine } = await import('../dist/bench/machine.js');
const { describeError } = await import('../dist/ui/terminal/console.js');
const { tableLines } = await import('../dist/ui/terminal/table.js');

try {
  const { bundle, engine } = await openModel(values.model);
  const places = { dataset: values.dataset, fullSize: values.fullsize, float: values.float };
  const figures = await measureFigures(bundle, engine, places, (stage) =>
    process.stderr.write(`${stage} …\n`),
  );
  await engine.close();
  const verdicts = { true: 'met', false: 'NOT MET', null: '' };
  const rows = figures.map((figure) => [
    `${figure.item}  ${figure.name}`,
    formatted(figure),
    wanted(figure),
    verdicts[String(isMet(figure))],
    figure.remark ?? '',
  ]);
  for (const line of tableLines([['figure', 'measured', 'wanted', '', ''], ...rows], [0, 3, 4]))
    console.log(line);
  await mkdir(path.dirname(path.resolve(values.out)), { recursive: true });
  const { name, version, digest } = bundle;
  const document = {
    machine: thisMachine(),
    model: { name, version, digest },
    figures: figures.map((figure) => ({ ...figure, met: isMet(figure) })),
  };
  await writeFile(values.out, `${JSON.stringify(document, null, 2)}\n`);
  if (values.docs !== undefined) await writeIntoDocs(values.docs, document, rows);
} catch (error) {
  process.stderr.write(`${describeError(error)}\n`);
  process.exitCode = 1;
}

/** Replaces what stands between the two comments. */
async function writeIntoDocs(file, { machine, model }, rows) {
  const [begin, end] = ['<!-- figures -->', '<!-- /figures -->'];
  const text = await readFile(file, 'utf8');
  const [from, to] = [text.indexOf(begin), text.indexOf(end)];
  if (from === -1 || to < from) throw new Error(`${file} lacks the comments ${begin} and ${end}`);
  const table = [
    `${model.name} ${model.version}, digest \`${model.digest.slice(0, 16)}…\`; ${machine.processor}, ${machine.cores} cores, Node ${machine.node}.`,
    '',
    '| figure | measured | wanted | | |',
    '|---|---|---|---|---|',
    ...rows.map((row) => `| ${row.join(' | ')} |`),
  ];
  await writeFile(file, [text.slice(0, from) + begin, '', ...table, '', text.slice(to)].join('\n'));
}
