/** Learning as the chip does it, in the vendor's simulator: `native/akida-m2/compiler/learn.py`. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { runCompiler } from './python.ts';

/** Cases in the order in which they are learned, and what is to be named. */
export interface ChipLesson {
  /** How many there can ever be: fixed before the first case. */
  readonly classes: number;
  readonly neuronsPerClass: number;
  /** Inputs that a neuron has a weight of one for. */
  readonly weights: number;
  /** 0 or 1 for each feature. */
  readonly cases: readonly { readonly bits: Uint8Array; readonly label: number }[];
  /** Numbers of cases after which the queries are named, ascending. */
  readonly after: readonly number[];
  readonly queries: readonly Uint8Array[];
}

/**
 * @param python an interpreter from `compilerPython`
 * @returns for each of `after`, the class of each query
 * @throws SpikescopeError `AKIDA_COMPILER` with the vendor's own words
 */
export async function learnedOnChip(lesson: ChipLesson, python: string): Promise<Int32Array[]> {
  const { classes, neuronsPerClass: neurons, weights, cases, after, queries } = lesson;
  const folder = await mkdtemp(path.join(tmpdir(), 'spikescope-learn-'));
  try {
    const features = queries[0].length;
    const labels = cases.map(({ label }) => label);
    const task = { features, classes, neurons, weights, labels, after };
    await writeFile(path.join(folder, 'learn.json'), JSON.stringify(task));
    await writeFile(
      path.join(folder, 'bits.bin'),
      Buffer.concat([...cases.map(({ bits }) => bits), ...queries]),
    );
    const printed = await runCompiler(python, [folder], 'learn');
    const named = new Int32Array(Uint8Array.from(printed).buffer);
    return after.map((_, i) => named.subarray(i * queries.length, (i + 1) * queries.length));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
