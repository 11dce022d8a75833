/**
 * Runs under emulation on arm64 Node: the addon against what arm64-cases.ts wrote, on every instruction set of the
 * emulated processor. The last line on stdout is `tests: N passed, N failed, N skipped`.
 *
 *   node arm64-replay.js FILE CPU INSTRUCTION-SETS
 *
 * INSTRUCTION-SETS: those that the processor must be found to have, separated by commas.
 */
import { readFileSync } from 'node:fs';
import { isDeepStrictEqual } from 'node:util';
import { deserialize } from 'node:v8';
import { SpikescopeError } from '../../src/errors.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { fromNative, type NativeAddon, nativeAddon } from '../../src/native/addon.ts';
import { differenceFrom, instructionSetsOf } from '../support/differential.ts';
import type { Cases, GraphCase, ImageCase } from './arm64-cases.ts';

/** One subject: what is wrong, case by case; empty when all is right. */
interface Subject {
  readonly name: string;
  readonly run: () => Promise<string[]>;
}

async function wrongGraphs(addon: NativeAddon, cases: readonly GraphCase[]): Promise<string[]> {
  const wrong: string[] = [];
  for (const { seed, graph, inputs, expected } of cases) {
    const difference = await differenceFrom(addon, graph, inputs, expected, 1 + (seed % 2));
    if (difference !== null) wrong.push(`seed ${seed}, ${difference}`);
  }
  return wrong;
}

async function wrongGolden(addon: NativeAddon, { qana, golden }: Cases): Promise<string[]> {
  const wrong: string[] = [];
  for (const instructionSet of instructionSetsOf(addon)) {
    const engine = addon.createEngine(qana.graph, { instructionSet });
    const { potentials } = await engine.infer(Buffer.concat(golden.map(({ input }) => input)));
    await engine.close();
    const wanted = golden.flatMap((one) => [...one.potentials]);
    if (!wanted.every((potential, i) => potential === potentials[i])) wrong.push(`${instructionSet} differs`);
  }
  return wrong;
}

function wrongImages(addon: NativeAddon, cases: readonly ImageCase[]): string[] {
  return cases.flatMap(({ seed, frame, square, size, resampled, quality }) => [
    ...(Buffer.from(resampled).equals(addon.areaResample(frame, square, size))
      ? []
      : [`seed ${seed}: pixels differ`]),
    ...(isDeepStrictEqual(addon.measureQuality(frame, square), quality)
      ? []
      : [`seed ${seed}: the quality differs`]),
  ]);
}

/** The sets that are there, the one that is chosen, and the refusal of one that is not. */
async function wrongDispatch(
  addon: NativeAddon,
  graph: IntegerGraph,
  sets: readonly string[],
): Promise<string[]> {
  const wrong: string[] = [];
  const found = instructionSetsOf(addon);
  if (found.join() !== sets.join()) wrong.push(`expected ${sets.join()}, found ${found.join()}`);
  const engine = addon.createEngine(graph);
  if (engine.instructionSet !== sets.at(-1)) wrong.push(`chose ${engine.instructionSet}`);
  await engine.close();
  for (const instructionSet of ['neondot', 'avx2'] as const) {
    if (sets.includes(instructionSet)) continue;
    try {
      addon.createEngine(graph, { instructionSet });
      wrong.push(`${instructionSet} was not refused`);
    } catch (error) {
      const refusal = fromNative(error);
      if (!(refusal instanceof SpikescopeError && refusal.code === 'INSTRUCTION_SET')) throw error;
    }
  }
  return wrong;
}

function subjectsFor(cpu: string, sets: readonly string[], cases: Cases): Subject[] {
  const addon = nativeAddon();
  const { random, qana, golden, images } = cases;
  const on = `on ${cpu} (${sets.join(', ')})`;
  return [
    { name: `kernels are chosen ${on}`, run: () => wrongDispatch(addon, qana.graph, sets) },
    { name: `${random.length} random graphs, every tensor, ${on}`, run: () => wrongGraphs(addon, random) },
    { name: `QANA, every tensor, ${on}`, run: () => wrongGraphs(addon, [qana]) },
    { name: `QANA, ${golden.length} golden inputs, ${on}`, run: () => wrongGolden(addon, cases) },
    {
      name: `${images.length} images resampled and measured on ${cpu}`,
      run: async () => wrongImages(addon, images),
    },
  ];
}

const [file, cpu, sets] = process.argv.slice(2);
let passed = 0;
let failed = 0;
// The file was written a moment ago by arm64-cases.ts, for nobody else.
const cases = deserialize(readFileSync(file)) as Cases;
for (const { name, run } of subjectsFor(cpu, sets.split(','), cases)) {
  const wrong = await run();
  if (wrong.length === 0) passed++;
  else failed++;
  process.stdout.write(`${wrong.length === 0 ? 'ok    ' : 'FAILED'} ${name}\n`);
  for (const line of wrong.slice(0, 10)) process.stdout.write(`       ${line}\n`);
}
process.stdout.write(`tests: ${passed} passed, ${failed} failed, 0 skipped\n`);
process.exitCode = failed === 0 ? 0 : 1;
