/**
 * What a training step of QANA costs on the torch backend (forward, backward, AdamW with the moving average of the
 * weights), in turn with the same step in PyTorch (Debian's python3-torch: same libtorch, same threads, channels last);
 * and what tfjs's own backends need. The two take turns because the machine's weather changes; the ratios are medians
 * of the turns' ratios. Processor time, of all threads, says what a step costs where others hold the cores too.
 *
 *   node bench/training-step.mjs [--batch 32] [--side 64] [--threads 2] [--turns 15] [--steps 4] [--others] [--json]
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { median, tf, training, useBackend } from './training-step-parts.mjs';

const { values: options } = parseArgs({
  options: {
    batch: { type: 'string', default: '32' },
    side: { type: 'string', default: '64' },
    threads: { type: 'string', default: '2' },
    turns: { type: 'string', default: '15' },
    steps: { type: 'string', default: '4' },
    others: { type: 'boolean', default: false },
    json: { type: 'boolean', default: false },
  },
});
const [batch, side, threads, turns, steps] = ['batch', 'side', 'threads', 'turns', 'steps'].map((name) =>
  Number(options[name]),
);
const say = (text) => process.stderr.write(`${text}\n`);

const both = (times) => ({
  wall: median(times.map(({ wall }) => wall)),
  processor: median(times.map(({ processor }) => processor)),
});

function timed(count, step) {
  return Array.from({ length: count }, () => {
    const [start, usage] = [performance.now(), process.cpuUsage()];
    step();
    const { user, system } = process.cpuUsage(usage);
    return { wall: performance.now() - start, processor: (user + system) / 1000 };
  });
}

async function openPyTorch() {
  const script = fileURLToPath(new URL('training_step.py', import.meta.url));
  const child = spawn('/usr/bin/python3', [script, threads, batch, side].map(String), {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await lines.next();
    if (done) throw new Error('PyTorch gave no answer; sudo apt-get install python3-torch');
    return JSON.parse(value);
  };
  const { version, parameters } = await answer();
  return {
    version,
    parameters,
    steps: (count) => {
      child.stdin.write(`${count}\n`);
      return answer();
    },
    close: async () => {
      child.stdin.end();
      if (child.exitCode === null) await once(child, 'exit');
    },
  };
}

async function race() {
  await useBackend('torch', { threads });
  const ours = training(batch, side);
  const theirs = await openPyTorch();
  if (ours.parameters !== theirs.parameters) {
    throw new Error(`not the same network: ${ours.parameters} and ${theirs.parameters} parameters`);
  }
  const found = { torch: [], pytorch: [], wall: [], processor: [] };
  const of = (times, kind) => median(times.map((time) => time[kind]));
  for (let turn = 0; turn <= turns; turn++) {
    const a = timed(steps, ours.step);
    const b = await theirs.steps(steps);
    // The first turn warms up: memory, oneDNN's kernels, JavaScript's compiler.
    if (turn === 0) continue;
    found.torch.push(...a);
    found.pytorch.push(...b);
    for (const kind of ['wall', 'processor']) found[kind].push(of(a, kind) / of(b, kind));
  }
  await theirs.close();
  return {
    parameters: ours.parameters,
    pytorch: { version: theirs.version, ...both(found.pytorch) },
    torch: both(found.torch),
    ratio: { wall: median(found.wall), processor: median(found.processor) },
  };
}

/** One step of tfjs's own backends, on fewer images because they are slow. */
async function otherBackends() {
  const images = 2;
  const results = {};
  await useBackend('cpu');
  results.cpu = { images, perImage: timed(1, training(images, side).step)[0].wall / images };
  try {
    await import('@tensorflow/tfjs-backend-wasm');
    await tf.setBackend('wasm');
    results.wasm = { images, perImage: timed(1, training(images, side).step)[0].wall / images };
  } catch (error) {
    results.wasm = { missing: error.message.split('\n')[0] };
  }
  return results;
}

const result = { batch, side, threads, turns, steps, ...(await race()) };
say(`QANA, ${result.parameters} parameters, batch ${batch}, ${side}×${side}, ${threads} threads`);
const line = (name, { wall, processor }) =>
  say(`${name.padEnd(16)} ${wall.toFixed(1)} ms per step, ${processor.toFixed(1)} ms of processor time`);
line('torch backend', result.torch);
line(`PyTorch ${result.pytorch.version}`, result.pytorch);
say(
  `ratio ${result.ratio.wall.toFixed(2)} (processor ${result.ratio.processor.toFixed(2)}), medians of ${turns} turns`,
);
if (options.others) {
  result.others = await otherBackends();
  const perImage = result.torch.wall / batch;
  for (const [name, found] of Object.entries(result.others)) {
    say(
      found.missing === undefined
        ? `tfjs ${name}  ${found.perImage.toFixed(0)} ms per image, ${(found.perImage / perImage).toFixed(0)} times the torch backend's`
        : `tfjs ${name}  cannot train: ${found.missing}`,
    );
  }
}
if (options.json) process.stdout.write(`${JSON.stringify(result, null, 2)}\n`);
process.exit(0);
