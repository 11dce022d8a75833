/**
 * An estimate of what one inference costs on one core of a Cortex-A76 (Raspberry Pi 5), without having one: an emulator
 * writes down every instruction that is executed, layer by layer, and llvm-mca simulates them on a model of the core's
 * pipelines. It leaves out what neither knows: cache misses, mispredicted branches, memory ordering, the Node side.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SpikescopeError } from '../../errors.ts';
import { multiplyAddsOf } from '../../model/cost.ts';
import type { GraphNode, IntegerGraph } from '../../model/graph.ts';
import { graphSource } from './graph-source.ts';
import { findSimulator, simulate } from './pipeline.ts';
import { traceLayers } from './trace.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));
const NATIVE = path.join(ROOT, 'native/akida-m2');
const DRIVER = path.join(ROOT, 'bench/cortex-a76-driver.cpp');
const COMPILER = 'aarch64-linux-gnu-g++';
const EMULATOR = ['qemu-aarch64-static', '-cpu', 'cortex-a76'];
const GIGAHERTZ = 2.4;
/** 8-bit multiply-adds of a cycle: two dot products of sixteen. */
const PEAK = 32;

/** LLVM schedules `cortex-a76` with the older, narrower Cortex-A57; `neoverse-n1` is the A76's core for servers. */
export const CORES = ['neoverse-n1', 'cortex-a76'] as const;
export type Core = (typeof CORES)[number];

export interface LayerEstimate {
  readonly layer: string;
  readonly operator: GraphNode['op'] | 'head';
  readonly multiplyAdds: number;
  readonly instructions: number;
  readonly cycles: number;
  /** Share of the core's multiply-adds; null for layers without weights. */
  readonly ofPeak: number | null;
}

export interface CoreEstimate {
  readonly estimate: true;
  readonly simulator: string;
  readonly cpu: Core;
  readonly gigahertz: number;
  readonly milliseconds: number;
  readonly cycles: number;
  readonly instructions: number;
  readonly layers: readonly LayerEstimate[];
}

/** @throws SpikescopeError `BENCH_TOOLS` naming what is missing, `BENCH_TRACE`, `BENCH_SIMULATOR` */
export async function estimateCortexA76(graph: IntegerGraph, cpu: Core): Promise<CoreEstimate> {
  const simulator = requireTools();
  const scratch = mkdtempSync(path.join(tmpdir(), 'spikescope-a76-'));
  try {
    const layers = await layersOf(graph, { simulator, cpu, program: buildDriver(scratch, graph) });
    const sum = (key: 'cycles' | 'instructions') => layers.reduce((total, layer) => total + layer[key], 0);
    return {
      estimate: true,
      ...{ simulator, cpu, gigahertz: GIGAHERTZ },
      milliseconds: sum('cycles') / GIGAHERTZ / 1e6,
      cycles: sum('cycles'),
      instructions: sum('instructions'),
      layers,
    };
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function requireTools(): string {
  const runs = (program: string) => spawnSync(program, ['--version']).status === 0;
  const simulator = findSimulator();
  const missing = [
    !runs(COMPILER) && 'g++-aarch64-linux-gnu',
    !runs(EMULATOR[0]) && 'qemu-user-static',
    simulator === undefined && 'llvm-19',
  ].filter((name) => name !== false);
  if (missing.length === 0 && simulator !== undefined && existsSync(DRIVER)) return simulator;
  throw new SpikescopeError('BENCH_TOOLS', 'There is no estimate without its tools', {
    expected: 'a compiler for arm64, an emulator, llvm-mca, and the project’s sources',
    received: `${missing.join(', ') || DRIVER} missing`,
    remedy: `sudo apt-get install ${missing.join(' ')}`,
  });
}

/** The driver with this graph in it, linked at fixed addresses. */
function buildDriver(folder: string, graph: IntegerGraph): string {
  const [source, object, program] = ['graph.cpp', 'graph.o', 'driver'].map((name) => path.join(folder, name));
  const engine = readdirSync(path.join(NATIVE, 'engine'), { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.cpp') && !file.includes('avx') && !file.includes('cpu_backend'))
    .map((file) => path.join(NATIVE, 'engine', file));
  writeFileSync(source, graphSource(graph));
  compile('-O0', '-c', source, '-o', object);
  compile('-O3', '-fvisibility=hidden', '-static', DRIVER, ...engine, object, '-o', program);
  return program;
}

function compile(...words: string[]): void {
  const { status, stderr } = spawnSync(COMPILER, ['-std=c++17', `-I${NATIVE}`, ...words], {
    encoding: 'utf8',
  });
  if (status === 0) return;
  throw new SpikescopeError('BENCH_TOOLS', 'The engine does not compile for arm64', {
    received: stderr.split('\n').find((line) => line.includes('error')) ?? stderr.slice(0, 200),
  });
}

async function layersOf(
  graph: IntegerGraph,
  { simulator, cpu, program }: { simulator: string; cpu: Core; program: string },
): Promise<LayerEstimate[]> {
  const nodes = nodesOf(program, graph);
  const traced = await traceLayers({ emulator: EMULATOR, program, marker: 'layer_boundary' });
  if (traced.length !== nodes.length + 1) {
    throw new SpikescopeError('BENCH_TRACE', 'The emulated program cannot be followed', {
      received: `${traced.length} of ${nodes.length + 1} layers`,
    });
  }
  const instructions = traced.map((blocks) => blocks.flat());
  const cycles = simulate(simulator, cpu, instructions).map(Math.round);
  const layers = [
    ...nodes.map((node) => ({
      layer: node.name,
      operator: node.op,
      multiplyAdds: multiplyAddsOf(node),
      hasWeights: node.op === 'convolution' || node.op === 'dense',
    })),
    {
      layer: 'head',
      operator: 'head' as const,
      multiplyAdds: graph.head.weights.length,
      hasWeights: true,
    },
  ];
  return layers.map(({ hasWeights, ...layer }, i) => ({
    ...layer,
    instructions: instructions[i].length,
    cycles: cycles[i],
    ofPeak: hasWeights ? layer.multiplyAdds / cycles[i] / PEAK : null,
  }));
}

/** Nodes in the order of the plan's steps; the head comes after them. */
function nodesOf(program: string, graph: IntegerGraph): GraphNode[] {
  const [emulator, ...words] = EMULATOR;
  const output = execFileSync(emulator, [...words, program], { encoding: 'utf8' });
  return output
    .trim()
    .split('\n')
    .map((number) => graph.nodes[Number(number)]);
}
