/**
 * What a training step of QANA costs on the torch backend (forward, backward, AdamW with the moving average of the weights),
 * in turn with the same step in PyTorch: same libtorch, same threads, channels last. The two take turns because the
 * machine's weather changes; the ratios are medians of the turns' ratios. Processor time, of all threads, says what a step
 * costs where others hold the cores too.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { SpikescopeError } from '../../errors.ts';
import { useBackend } from '../../training/backend/backend.ts';
import { medianOf } from '../median.ts';
import { trainingOf } from './trainee.ts';

const SCRIPT = fileURLToPath(new URL('../../../bench/pytorch_step.py', import.meta.url));

export interface StepOptions {
  readonly batch: number;
  /** Pixels. */
  readonly side: number;
  readonly threads: number;
  readonly turns: number;
  /** Steps of a turn. */
  readonly steps: number;
  /** Whether tfjs's own backends are measured too. */
  readonly others: boolean;
}

const timeSchema = z.object({ wall: z.number(), processor: z.number() });
/** Milliseconds of one step. */
export type StepTime = z.infer<typeof timeSchema>;
const helloSchema = z.object({ version: z.string(), parameters: z.int() });

export interface StepReport extends StepSettings {
  readonly parameters: number;
  readonly pytorch: StepTime & { readonly version: string };
  readonly torch: StepTime;
  readonly ratio: StepTime;
  /** tfjs's own backends: milliseconds for one image, or why there are none. */
  readonly backends: Readonly<Record<string, { readonly perImage: number } | { readonly missing: string }>>;
}
type StepSettings = Omit<StepOptions, 'others'>;

/** @throws SpikescopeError `BENCH_PEER` when PyTorch does not answer or trains another network, `TORCH_*` */
export async function measureTrainingStep({ others, ...options }: StepOptions): Promise<StepReport> {
  const { batch, side, threads } = options;
  await useBackend('torch', { threads });
  const ours = trainingOf(batch, side);
  const theirs = await openPyTorch([threads, batch, side]);
  if (ours.parameters !== theirs.parameters) {
    throw new SpikescopeError('BENCH_PEER', 'PyTorch trains another network', {
      expected: `${ours.parameters} parameters`,
      received: `${theirs.parameters}`,
    });
  }
  const found = await race(ours.step, theirs.steps, options);
  await theirs.close();
  return {
    ...options,
    parameters: ours.parameters,
    pytorch: { version: theirs.version, ...found.pytorch },
    torch: found.torch,
    ratio: found.ratio,
    backends: others ? await otherBackends(side) : {},
  };
}

async function race(
  ours: () => void,
  theirs: (count: number) => Promise<StepTime[]>,
  { turns, steps }: StepSettings,
) {
  const times = { torch: [] as StepTime[], pytorch: [] as StepTime[], ratio: [] as StepTime[] };
  for (let turn = 0; turn <= turns; turn++) {
    const [a, b] = [timed(steps, ours), await theirs(steps)];
    // The first turn warms up: memory, oneDNN's kernels, JavaScript's compiler.
    if (turn === 0) continue;
    times.torch.push(...a);
    times.pytorch.push(...b);
    const [own, other] = [medianTime(a), medianTime(b)];
    times.ratio.push({ wall: own.wall / other.wall, processor: own.processor / other.processor });
  }
  return {
    torch: medianTime(times.torch),
    pytorch: medianTime(times.pytorch),
    ratio: medianTime(times.ratio),
  };
}

function medianTime(times: readonly StepTime[]): StepTime {
  return {
    wall: medianOf(times.map(({ wall }) => wall)),
    processor: medianOf(times.map(({ processor }) => processor)),
  };
}

function timed(count: number, step: () => void): StepTime[] {
  return Array.from({ length: count }, () => {
    const [start, usage] = [performance.now(), process.cpuUsage()];
    step();
    const { user, system } = process.cpuUsage(usage);
    return { wall: performance.now() - start, processor: (user + system) / 1000 };
  });
}

/** Debian's PyTorch, which has the libtorch that the addon has. */
async function openPyTorch(settings: readonly number[]) {
  const child = spawn('/usr/bin/python3', [SCRIPT, ...settings.map(String)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async (): Promise<unknown> => {
    const { value, done } = await lines.next();
    if (done) {
      throw new SpikescopeError('BENCH_PEER', 'PyTorch gives no answer', {
        remedy: 'sudo apt-get install python3-torch',
      });
    }
    return JSON.parse(value);
  };
  const { version, parameters } = helloSchema.parse(await answer());
  return {
    version,
    parameters,
    steps: async (count: number) => {
      child.stdin.write(`${count}\n`);
      return z.array(timeSchema).parse(await answer());
    },
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

/** One step of tfjs's own backends, on few images because they are slow. */
async function otherBackends(side: number): Promise<StepReport['backends']> {
  const images = 2;
  const perImage = () => timed(1, trainingOf(images, side).step)[0].wall / images;
  await useBackend('cpu');
  const cpu = { perImage: perImage() };
  try {
    await import('@tensorflow/tfjs-backend-wasm');
    await tf.setBackend('wasm');
    return { cpu, wasm: { perImage: perImage() } };
  } catch (error) {
    return { cpu, wasm: { missing: error instanceof Error ? error.message.split('\n')[0] : String(error) } };
  }
}
