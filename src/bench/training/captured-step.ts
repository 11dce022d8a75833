/**
 * What tfjs itself adds to a training step: the step's kernel calls are captured once and then repeated without tfjs, each
 * tensor released after its last use, as a whole step in one native call would do it. In turn with the real step;
 * processor time, because that is what tfjs adds.
 */
import { useBackend } from '../../training/backend/backend.ts';
import { type TorchAddon, torchAddon } from '../../training/backend/torch/addon.ts';
import { medianOf } from '../median.ts';
import { trainingOf } from './trainee.ts';

export interface CapturedStepReport {
  /** Kernel calls of a step. */
  readonly calls: number;
  /** Milliseconds of processor time of a step: through tfjs, and repeated without it. */
  readonly real: number;
  readonly repeated: number;
  /** Median of the turns' ratios, real over repeated. */
  readonly ratio: number;
}

interface KernelCall {
  readonly kernel: number;
  readonly inputs: readonly number[];
  readonly attributes: readonly number[];
  readonly outputs: readonly number[];
  /** Tensors that no later call needs. */
  readonly last: number[];
}

/** Tensors have numbers of their own in a captured step; `given` are those that it did not make. */
interface CapturedStep {
  readonly calls: readonly KernelCall[];
  readonly given: ReadonlyMap<number, number>;
}

export async function measureCapturedStep(options: {
  readonly batch: number;
  readonly side: number;
  readonly threads: number;
  readonly turns: number;
}): Promise<CapturedStepReport> {
  await useBackend('torch', { threads: options.threads });
  const addon = torchAddon();
  const { step } = trainingOf(options.batch, options.side);
  for (let i = 0; i < 3; i++) step();
  const captured = capture(addon, step);
  repeat(addon, captured);
  const [real, repeated]: [number[], number[]] = [[], []];
  for (let turn = 0; turn < options.turns; turn++) {
    real.push(processorTime(step));
    repeated.push(processorTime(() => repeat(addon, captured)));
  }
  return {
    calls: captured.calls.length,
    real: medianOf(real),
    repeated: medianOf(repeated),
    ratio: medianOf(real.map((time, turn) => time / repeated[turn])),
  };
}

/** Stands in for the addon while one step is taken; what the step did not make stays alive. */
function capture(addon: TorchAddon, step: () => void): CapturedStep {
  const { run, write, release } = addon;
  const calls: KernelCall[] = [];
  const given = new Map<number, number>();
  const numbers = new Map<number, number>();
  let count = 0;
  const made = (tensor: number): number => {
    numbers.set(tensor, count);
    return count++;
  };
  const numberOf = (tensor: number): number => {
    const known = numbers.get(tensor);
    if (known !== undefined) return known;
    const number = made(tensor);
    given.set(number, tensor);
    return number;
  };
  addon.run = (kernel, tensors, attributes) => {
    const inputs = tensors.map(numberOf);
    const results = run(kernel, tensors, attributes);
    calls.push({ kernel, inputs, attributes, outputs: results.map(([tensor]) => made(tensor)), last: [] });
    return results;
  };
  addon.write = (values, shape) => {
    const tensor = write(values, shape);
    given.set(made(tensor), tensor);
    return tensor;
  };
  addon.release = () => {};
  step();
  Object.assign(addon, { run, write, release });
  const lastUse = new Map<number, KernelCall>();
  for (const call of calls) {
    for (const number of [...call.inputs, ...call.outputs]) if (!given.has(number)) lastUse.set(number, call);
  }
  for (const [number, call] of lastUse) call.last.push(number);
  return { calls, given };
}

function repeat(addon: TorchAddon, { calls, given }: CapturedStep): void {
  const tensors = new Map(given);
  const tensorOf = (number: number): number => {
    const tensor = tensors.get(number);
    if (tensor === undefined) throw new RangeError(`tensor ${number} is not there yet`);
    return tensor;
  };
  for (const { kernel, inputs, attributes, outputs, last } of calls) {
    const results = addon.run(kernel, inputs.map(tensorOf), attributes);
    outputs.forEach((number, index) => {
      tensors.set(number, results[index][0]);
    });
    for (const number of last) addon.release(tensorOf(number));
  }
}

function processorTime(body: () => void): number {
  const usage = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(usage);
  return (user + system) / 1000;
}
