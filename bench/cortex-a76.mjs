/**
 * An estimate of what one inference costs on one core of a Cortex-A76 (Raspberry Pi 5), without having one: an emulator
 * writes down every instruction that is executed, layer by layer, and llvm-mca simulates them on a model of the core's
 * pipelines. It leaves out what neither knows: cache misses, mispredicted branches, memory ordering, the Node side.
 *
 *   node bench/cortex-a76.mjs [--model B] [--cpu neoverse-n1|cortex-a76] [--json]
 *
 * LLVM schedules `cortex-a76` with the older, narrower Cortex-A57; `neoverse-n1` is the A76's core for servers, and the default.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureArm64Tools } from '../scripts/build-arm64.mjs';
import { ensurePrograms, execute, prepare, root } from '../scripts/prepare.mjs';
import { graphSource } from './cortex-a76/graph-source.mjs';
import { findSimulator, simulate } from './cortex-a76/pipeline.mjs';
import { traceLayers } from './cortex-a76/trace.mjs';

const GIGAHERTZ = 2.4;
/** 8-bit multiply-adds per cycle: two dot products of sixteen. */
const PEAK = 32;
const EMULATOR = ['qemu-aarch64-static', '-cpu', 'cortex-a76'];

const { values: options } = parseArgs({
  options: {
    model: { type: 'string', default: path.join(root, 'models/qana64.spikescope') },
    cpu: { type: 'string', default: 'neoverse-n1' },
    json: { type: 'boolean', default: false },
  },
});

/** The driver with this graph in it, linked at fixed addresses. */
function buildDriver(folder, graph) {
  const source = path.join(folder, 'graph.cpp');
  const object = path.join(folder, 'graph.o');
  const program = path.join(folder, 'driver');
  const native = path.join(root, 'native/akida-m2');
  const engine = readdirSync(path.join(native, 'engine'), { recursive: true })
    .filter((file) => file.endsWith('.cpp') && !file.includes('avx') && !file.includes('cpu_backend'))
    .map((file) => path.join(native, 'engine', file));
  const driver = path.join(root, 'bench/cortex-a76/driver.cpp');
  const compiler = 'aarch64-linux-gnu-g++';
  writeFileSync(source, graphSource(graph));
  execute(compiler, ['-std=c++17', '-O0', `-I${native}`, '-c', source, '-o', object]);
  execute(compiler, [
    '-std=c++17',
    '-O3',
    '-fvisibility=hidden',
    '-static',
    `-I${native}`,
    driver,
    ...engine,
    object,
    '-o',
    program,
  ]);
  return program;
}

/** Nodes in the order of the plan's steps; the head comes after them. */
function nodesOf(program, graph) {
  const output = execFileSync(EMULATOR[0], [...EMULATOR.slice(1), program], { encoding: 'utf8' });
  const nodes = output
    .trim()
    .split('\n')
    .map((number) => graph.nodes[Number(number)]);
  return [...nodes, { name: 'head', op: 'head', weights: graph.head.weights }];
}

async function estimate(graph, simulator, folder) {
  const program = buildDriver(folder, graph);
  const nodes = nodesOf(program, graph);
  const traced = await traceLayers({ emulator: EMULATOR, program, marker: 'layer_boundary' });
  if (traced.length !== nodes.length) throw new Error(`traced ${traced.length} of ${nodes.length} layers`);
  const instructions = traced.map((blocks) => blocks.flat());
  const cycles = simulate(simulator, options.cpu, instructions);
  return nodes.map((node, i) => ({
    layer: node.name,
    operator: node.op,
    multiplyAdds: node.op === 'head' ? node.weights.length : multiplyAddsOf(node),
    instructions: instructions[i].length,
    cycles: Math.round(cycles[i]),
  }));
}

function summaryOf(layers, simulator) {
  const sum = (key) => layers.reduce((total, layer) => total + layer[key], 0);
  return {
    estimate: true,
    simulator,
    cpu: options.cpu,
    gigahertz: GIGAHERTZ,
    milliseconds: sum('cycles') / GIGAHERTZ / 1e6,
    cycles: sum('cycles'),
    instructions: sum('instructions'),
    layers,
  };
}

function print({ layers, cycles, instructions, milliseconds, simulator, cpu }) {
  const share = ({ operator, multiplyAdds, cycles }) =>
    ['convolution', 'dense', 'head'].includes(operator)
      ? `${((100 * multiplyAdds) / cycles / PEAK).toFixed(0)} %`
      : '';
  const rows = layers.map((layer) => [
    layer.layer,
    layer.operator,
    layer.instructions.toLocaleString('en'),
    layer.cycles.toLocaleString('en'),
    (layer.instructions / layer.cycles).toFixed(2),
    share(layer),
    (layer.cycles / GIGAHERTZ / 1000).toFixed(1),
  ]);
  const header = ['layer', 'operator', 'instructions', 'cycles', 'per cycle', 'of peak', 'µs'];
  const total = ['total', '', instructions, cycles].map((value) => value.toLocaleString('en'));
  const table = tableLines([header, ...rows, [...total, (instructions / cycles).toFixed(2), '', '']], [0, 1]);
  process.stdout.write(`${table.join('\n')}\n\n`);
  process.stdout.write(
    `estimate: ${milliseconds.toFixed(3)} ms per image, one core at ${GIGAHERTZ} GHz (${simulator}, ${cpu}); ` +
      'without cache misses, mispredicted branches and the Node side\n',
  );
}

await prepare();
const { readBundle } = await import('../dist/model/bundle/read.js');
const { multiplyAddsOf } = await import('../dist/model/cost.js');
const { tableLines } = await import('../dist/ui/terminal/table.js');
const scratch = mkdtempSync(path.join(tmpdir(), 'spikescope-a76-'));
try {
  const missing = ensureArm64Tools();
  if (findSimulator() === undefined) missing.push(...ensurePrograms({ 'llvm-mca-19': 'llvm-19' }));
  if (missing.length > 0) throw new Error(`no estimate without ${missing.join(' and ')}`);
  const simulator = findSimulator();
  const { graph } = await readBundle(options.model);
  const summary = summaryOf(await estimate(graph, simulator, scratch), simulator);
  if (options.json) process.stdout.write(`${JSON.stringify(summary)}\n`);
  else print(summary);
} catch (error) {
  process.stderr.write(`spikescope: ${error.message}\n`);
  process.exitCode = 1;
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
