/** How a device finds the engine when it starts: the time to the first potential, and the memory that it then holds. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { reasonOf, SpikescopeError } from '../errors.ts';
import { quantile } from '../statistics/resampling.ts';

const STARTS = 9;
const PROCESS = fileURLToPath(new URL('./cold-start-process.js', import.meta.url));

export const startSchema = z.strictObject({
  /** From the path of a bundle to the first image's potentials, milliseconds; golden inputs replayed between. */
  load: z.number(),
  /** Bytes by which the process is larger with bundle and engine, garbage gone. */
  memory: z.number(),
  /** The engine's working memory, bytes. */
  arena: z.number(),
});
export type Start = z.infer<typeof startSchema>;

export interface ColdStart extends Start {
  /** Processes of which each figure is the median. */
  readonly starts: number;
}

/**
 * Starts processes of their own, in which modules and addon are loaded before anything is measured.
 * @param model path of a bundle
 * @throws SpikescopeError `BENCH_PROCESS` when the program is not compiled, or a process fails
 */
export async function measureColdStart(model: string): Promise<ColdStart> {
  if (!existsSync(PROCESS)) {
    throw new SpikescopeError('BENCH_PROCESS', 'The program that loads a bundle is not compiled', {
      file: PROCESS,
      remedy: 'npm run build',
    });
  }
  const starts: Start[] = [];
  for (let i = 0; i < STARTS; i++) starts.push(await start(model));
  const median = (name: keyof Start) =>
    quantile(
      starts.map((one) => one[name]).toSorted((a, b) => a - b),
      0.5,
    );
  return { load: median('load'), memory: median('memory'), arena: median('arena'), starts: STARTS };
}

async function start(model: string): Promise<Start> {
  try {
    const { stdout } = await promisify(execFile)(process.execPath, ['--expose-gc', PROCESS, model]);
    return startSchema.parse(JSON.parse(stdout));
  } catch (cause) {
    throw new SpikescopeError('BENCH_PROCESS', 'The process that loads the bundle failed', {
      file: model,
      received: reasonOf(cause),
      cause,
    });
  }
}
