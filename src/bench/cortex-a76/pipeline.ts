/** Cycles of executed instructions by llvm-mca, a simulator of processor pipelines. */
import { spawnSync } from 'node:child_process';
import { SpikescopeError } from '../../errors.ts';

/** Instructions simulated per layer at most: parts of it, evenly spread. */
const WINDOWS = 4;
const WINDOW = 12_000;

/** Instructions that the core takes in per cycle; LLVM's model of it counts their parts only, eight per cycle. */
const DECODED_PER_CYCLE = 4;

/** Branches as such, without targets: what is simulated is what was executed. Calls would be taken to cost 100 cycles. */
function simulated(instruction: string): string {
  const [name, operands = ''] = instruction.split(/ (.*)/s);
  if (name === 'bl' || name === 'b') return 'b #8';
  if (name === 'blr') return `br ${operands}`;
  if (name === 'ret') return 'br x30';
  if (/^(b\.|cbn?z|tbn?z)/.test(name)) return `${name} ${operands.replace(/(^|, ?)[0-9a-f]+$/, '$1#8')}`;
  if (name === 'adrp' || name === 'adr') return `${name} ${operands.replace(/, ?[0-9a-f]+$/, ', #4096')}`;
  return instruction;
}

/** Where each window starts, and how long all are. */
function windowsOf(length: number): { starts: number[]; size: number } {
  if (length <= WINDOWS * WINDOW) return { starts: [0], size: length };
  const step = (length - WINDOW) / (WINDOWS - 1);
  return { starts: Array.from({ length: WINDOWS }, (_, i) => Math.round(i * step)), size: WINDOW };
}

/** The highest version of llvm-mca that is installed, or undefined. */
export function findSimulator(): string | undefined {
  const names = [...Array.from({ length: 14 }, (_, i) => `llvm-mca-${30 - i}`), 'llvm-mca'];
  return names.find((name) => spawnSync(name, ['--version']).status === 0);
}

/**
 * @param cpu whose scheduling model is used
 * @param layers executed instructions of each layer
 * @returns cycles of each layer
 * @throws SpikescopeError `BENCH_SIMULATOR`
 */
export function simulate(simulator: string, cpu: string, layers: readonly (readonly string[])[]): number[] {
  const parts = layers.map((instructions) => ({ instructions, ...windowsOf(instructions.length) }));
  const regions = parts.flatMap(({ instructions, starts, size }, layer) =>
    starts.map((start, i) => [
      `# LLVM-MCA-BEGIN ${layer}.${i}`,
      ...instructions.slice(start, start + size).map(simulated),
      '# LLVM-MCA-END',
    ]),
  );
  const { status, stdout, stderr } = spawnSync(
    simulator,
    [
      '-mtriple=aarch64',
      `-mcpu=${cpu}`,
      '-mattr=+dotprod,+rdm',
      '-iterations=1',
      '-resource-pressure=0',
      '-instruction-info=0',
    ],
    { input: regions.flat().join('\n').concat('\n'), encoding: 'utf8', maxBuffer: 2 ** 26 },
  );
  if (status !== 0) throw simulatorFault(simulator, stderr.split('\n')[0]);
  const cycles = [...stdout.matchAll(/Total Cycles: +(\d+)/g)].map(([, number]) => Number(number));
  if (cycles.length !== regions.length)
    throw simulatorFault(simulator, `answers for ${cycles.length} of ${regions.length} parts`);
  let next = 0;
  return parts.map(({ instructions, starts, size }) => {
    const part = cycles.slice(next, next + starts.length).reduce((sum, one) => sum + one, 0);
    next += starts.length;
    const pipelined = (part / (starts.length * size)) * instructions.length;
    return Math.max(pipelined, instructions.length / DECODED_PER_CYCLE);
  });
}

function simulatorFault(simulator: string, received: string): SpikescopeError {
  return new SpikescopeError('BENCH_SIMULATOR', 'The simulator of pipelines failed', {
    file: simulator,
    received,
  });
}
