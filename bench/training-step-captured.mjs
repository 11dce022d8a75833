/**
 * What tfjs itself adds to a training step: the step's kernel calls are captured once and then repeated without tfjs,
 * each tensor released after its last use, as a whole step in one native call would do it. In turn with the real step;
 * processor time, because that is what tfjs adds.
 *
 *   node bench/training-step-captured.mjs [--batch 32] [--side 64] [--threads 2] [--turns 25]
 */
import { parseArgs } from 'node:util';
import { median, torchAddon, training, useBackend } from './training-step-parts.mjs';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '32' },
    side: { type: 'string', default: '64' },
    threads: { type: 'string', default: '2' },
    turns: { type: 'string', default: '25' },
  },
});

await useBackend('torch', { threads: Number(options.threads) });
const addon = torchAddon();
const { step } = training(Number(options.batch), Number(options.side));

/** The kernel calls of one step, with a number of its own for each tensor; what the step did not make stays alive. */
function capture() {
  const { run, write, release } = addon;
  const calls = [];
  const given = new Map();
  const numbers = new Map();
  let count = 0;
  const made = (tensor) => {
    numbers.set(tensor, count);
    return count++;
  };
  const numberOf = (tensor) => {
    if (!numbers.has(tensor)) given.set(made(tensor), tensor);
    return numbers.get(tensor);
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
  const lastUse = new Map();
  for (const call of calls) {
    for (const number of [...call.inputs, ...call.outputs]) if (!given.has(number)) lastUse.set(number, call);
  }
  for (const [number, call] of lastUse) call.last.push(number);
  return { calls, given };
}

function repeat({ calls, given }) {
  const tensors = new Map(given);
  for (const { kernel, inputs, attributes, outputs, last } of calls) {
    const results = addon.run(
      kernel,
      inputs.map((number) => tensors.get(number)),
      attributes,
    );
    outputs.forEach((number, index) => {
      tensors.set(number, results[index][0]);
    });
    for (const number of last) addon.release(tensors.get(number));
  }
}

function processorTime(body) {
  const usage = process.cpuUsage();
  body();
  const { user, system } = process.cpuUsage(usage);
  return (user + system) / 1000;
}

for (let i = 0; i < 3; i++) step();
const captured = capture();
repeat(captured);
const [real, repeated] = [[], []];
for (let turn = 0; turn < Number(options.turns); turn++) {
  real.push(processorTime(step));
  repeated.push(processorTime(() => repeat(captured)));
}
const ratio = median(real.map((time, turn) => time / repeated[turn]));
process.stderr.write(
  `${captured.calls.length} kernel calls: ${median(real).toFixed(1)} ms of processor time through tfjs, ` +
    `${median(repeated).toFixed(1)} ms repeated without it, ratio ${ratio.toFixed(2)}\n`,
);
