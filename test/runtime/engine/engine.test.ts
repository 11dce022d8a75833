import { once } from 'node:events';
import { setTimeout } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import { elementCount, type GraphNode, type IntegerGraph } from '../../../src/model/graph.ts';
import { interpret } from '../../../src/model/interpreter/interpreter.ts';
import { addonFile, nativeAddon } from '../../../src/native/addon.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { instructionSetsOf } from '../../support/differential.ts';
import {
  choosingGraph,
  imageGraph,
  joinedGraph,
  qanaShapedGraph,
  randomGraph,
  randomInput,
  stridedGraph,
} from '../../support/graphs.ts';
import { firstDifference } from '../../support/native-trace.ts';
import { Random } from '../../support/random.ts';

const GRAPHS = Number(process.env.SPIKESCOPE_GRAPHS ?? 2000);
const addon = nativeAddon();
/** Seeds on which operators are counted, and how many of their graphs hold each operator at least. */
const COUNTED = { seeds: 400, fewest: 40 };
const OPERATORS = {
  ...{ convolution: 0, dense: 0, add: 0, concat: 0, multiply: 0, table: 0, averagePool: 0 },
  ...{ maxPool: 0, flatten: 0, pad: 0, select: 0, extremum: 0, channelMaximum: 0 },
} satisfies Record<GraphNode['op'], number>;
const instructionSets = instructionSetsOf(addon);

function codeOf(error: unknown): string {
  return error instanceof SpikescopeError ? error.code : String(error);
}

async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  return promise.then(
    () => 'none',
    (error: unknown) => codeOf(error),
  );
}

describe('the integer engine equals the interpreter, bit for bit', () => {
  it(`on every tensor of ${GRAPHS} random graphs, with every instruction set of this processor`, () => {
    for (let seed = 0; seed < GRAPHS; seed++) {
      const graph = randomGraph(seed);
      const input = randomInput(graph, new Random(seed));
      const expected = interpret(graph, input);
      for (const instructionSet of instructionSets) {
        const engine = addon.createEngine(graph, { instructionSet, keepTensors: true });
        const difference = firstDifference(graph, expected, engine.trace(input));
        expect(difference, `seed ${seed}, ${instructionSet}`).toBeNull();
      }
    }
  });

  it(`every operator is in ${COUNTED.fewest} of ${COUNTED.seeds} random graphs of both kinds, or more`, () => {
    const counts: Record<GraphNode['op'], number> = { ...OPERATORS };
    for (let seed = 0; seed < COUNTED.seeds; seed++) {
      for (const graph of [randomGraph(seed), choosingGraph(seed)]) {
        for (const op of new Set(graph.nodes.map((node) => node.op))) counts[op]++;
      }
    }
    expect(Object.entries(counts).filter(([, count]) => count < COUNTED.fewest)).toEqual([]);
  });

  it.each([
    ['strided layers of many channels', stridedGraph, GRAPHS / 4],
    ['first layers on images', imageGraph, GRAPHS / 4],
    [`${GRAPHS} random choices and comparisons of tensors`, choosingGraph, GRAPHS],
  ])('on %s', (_, graphOf, count) => {
    for (let seed = 0; seed < count; seed++) {
      const graph = graphOf(seed);
      const input = randomInput(graph, new Random(seed));
      const expected = interpret(graph, input);
      for (const instructionSet of instructionSets) {
        const engine = addon.createEngine(graph, { instructionSet, keepTensors: true });
        const difference = firstDifference(graph, expected, engine.trace(input));
        expect(difference, `seed ${seed}, ${instructionSet}`).toBeNull();
      }
    }
  });

  it('when tensors share memory and images follow each other', async () => {
    for (let seed = 0; seed < GRAPHS; seed += 8) {
      const graph = randomGraph(seed, 12);
      const random = new Random(seed + 1);
      const inputs = [randomInput(graph, random), randomInput(graph, random), randomInput(graph, random)];
      const expected = inputs.map((input) => interpret(graph, input));
      for (const instructionSet of instructionSets) {
        const engine = await createCpuEngine(graph, { instructionSet });
        const { potentials, embeddings } = await engine.infer(Buffer.concat(inputs), inputs.length);
        const place = `seed ${seed}, ${instructionSet}`;
        expect([...potentials], place).toEqual(expected.flatMap((one) => [...one.potentials]));
        expect(Buffer.concat(expected.map(({ embedding }) => embedding)).equals(embeddings), place).toBe(
          true,
        );
        await engine.close();
      }
    }
  });

  it('when a convolution is computed together with what follows it', async () => {
    for (let seed = 0; seed < GRAPHS / 4; seed++) {
      const graph = joinedGraph(seed);
      const random = new Random(seed + 1);
      const inputs = [randomInput(graph, random), random.bytes(elementCount(graph.input.shape))];
      const expected = inputs.map((input) => interpret(graph, input));
      for (const instructionSet of instructionSets) {
        const engine = await createCpuEngine(graph, { instructionSet });
        const { potentials, embeddings } = await engine.infer(Buffer.concat(inputs), inputs.length);
        const place = `seed ${seed}, ${instructionSet}`;
        expect([...potentials], place).toEqual(expected.flatMap((one) => [...one.potentials]));
        expect(Buffer.concat(expected.map(({ embedding }) => embedding)).equals(embeddings), place).toBe(
          true,
        );
        await engine.close();
      }
    }
  });

  it('on a graph of QANA’s shape', () => {
    const graph = qanaShapedGraph(1);
    const input = randomInput(graph, new Random(2));
    const expected = interpret(graph, input);
    for (const instructionSet of instructionSets) {
      const engine = addon.createEngine(graph, { instructionSet, keepTensors: true });
      expect(firstDifference(graph, expected, engine.trace(input)), instructionSet).toBeNull();
    }
  });
});

it.each(instructionSets)(
  'a network of QANA’s shape needs no more than 512 KiB to work in, on %s',
  async (instructionSet) => {
    const engine = await createCpuEngine(qanaShapedGraph(1), { instructionSet });
    expect(engine.arenaBytes).toBeLessThanOrEqual(512 * 1024);
    await engine.close();
  },
);

describe('a batch', () => {
  const graph = qanaShapedGraph(3);
  const random = new Random(4);
  const images = Array.from({ length: 9 }, () => random.bytes(elementCount(graph.input.shape)));

  it.each([1, 2, 5, 16])('gives what its images give one by one, on %i threads', async (threads) => {
    const single = await createCpuEngine(graph);
    const engine = await createCpuEngine(graph, { threads });
    const batch = await engine.infer(Buffer.concat(images), images.length);
    for (const [i, image] of images.entries()) {
      const one = await single.infer(image);
      expect(batch.potentials.subarray(i * 7, (i + 1) * 7)).toEqual(one.potentials);
      expect(batch.embeddings.subarray(i * 4096, (i + 1) * 4096)).toEqual(one.embeddings);
    }
    await Promise.all([single.close(), engine.close()]);
  });

  it('may be changed by its owner as soon as infer has returned', async () => {
    const engine = await createCpuEngine(graph);
    const expected = await engine.infer(images[0]);
    const mine = images[0].slice();
    const promise = engine.infer(mine);
    mine.fill(0);
    structuredClone(mine, { transfer: [mine.buffer] });
    expect((await promise).potentials).toEqual(expected.potentials);
    await engine.close();
  });
});

describe('calls at the same time', () => {
  it('are answered each with its own result', async () => {
    const graph = randomGraph(7);
    const random = new Random(8);
    const inputs = Array.from({ length: 50 }, () => randomInput(graph, random));
    const engine = await createCpuEngine(graph, { threads: 2 });
    const results = await Promise.all(inputs.map((input) => engine.infer(input)));
    for (const [i, input] of inputs.entries()) {
      expect(results[i].potentials).toEqual(interpret(graph, input).potentials);
    }
    await engine.close();
  });

  it('finish before close does, and later ones are refused', async () => {
    const graph = qanaShapedGraph(5);
    const input = new Random(6).bytes(elementCount(graph.input.shape));
    const engine = await createCpuEngine(graph);
    const finished: string[] = [];
    const calls = [1, 2, 3].map((call) => engine.infer(input).then(() => finished.push(`call ${call}`)));
    const closed = engine.close().then(() => finished.push('closed'));
    expect(await rejectionOf(engine.infer(input))).toBe('ENGINE_CLOSED');
    await Promise.all([...calls, closed, engine.close()]);
    expect(finished).toEqual(['call 1', 'call 2', 'call 3', 'closed']);
  });
});

describe('a worker thread that ends', () => {
  /** Loads the addon, starts more work than it will see the end of, and says so. */
  const busyWorker = `
    const { parentPort, workerData } = require('node:worker_threads');
    const engine = require(workerData.addon).createEngine(workerData.graph, { threads: 2 });
    for (let i = 0; i < 20; i++) engine.infer(workerData.batch).catch(() => {});
    parentPort.postMessage('busy');
    setInterval(() => {}, 1000);
  `;

  it('while its engine is busy harms nobody', async () => {
    const graph = qanaShapedGraph(13);
    const batch = new Uint8Array(16 * elementCount(graph.input.shape));
    for (let round = 0; round < 6; round++) {
      const worker = new Worker(busyWorker, {
        eval: true,
        workerData: { addon: addonFile(), graph, batch },
      });
      await once(worker, 'message');
      await setTimeout(round);
      await worker.terminate();
    }
    const engine = await createCpuEngine(graph);
    expect((await engine.infer(batch)).potentials).toHaveLength(16 * 7);
    await engine.close();
  });
});

describe('an engine says what it is', () => {
  it('and reuses the memory of tensors that are no longer needed', async () => {
    const graph = qanaShapedGraph(9);
    const engine = await createCpuEngine(graph);
    const total = graph.nodes.reduce((sum, { output }) => sum + elementCount(output.shape), 0);
    expect(engine.backend).toBe('cpu');
    expect(engine.instructionSet).toBe(instructionSets.at(-1));
    expect(engine.arenaBytes).toBeGreaterThan(elementCount(graph.input.shape));
    expect(engine.arenaBytes).toBeLessThan(total / 2);
    await engine.close();
  });

  it('and runs with the instruction set it is asked for', async () => {
    for (const instructionSet of instructionSets) {
      const engine = await createCpuEngine(randomGraph(1), { instructionSet });
      expect(engine.instructionSet).toBe(instructionSet);
      await engine.close();
    }
  });
});

describe('wrong input is refused with a code', () => {
  const graph = qanaShapedGraph(11);
  const bytes = elementCount(graph.input.shape);

  it.each([
    ['no bytes', new Uint8Array(0), undefined],
    ['a byte too many', new Uint8Array(bytes + 1), undefined],
    ['fewer images than promised', new Uint8Array(bytes), 2],
    ['more images than promised', new Uint8Array(2 * bytes), 1],
  ])('%s: INPUT_SIZE', async (_, inputs, count) => {
    const engine = await createCpuEngine(graph);
    expect(await rejectionOf(engine.infer(inputs, count))).toBe('INPUT_SIZE');
    await engine.close();
  });

  it('something other than a Uint8Array', async () => {
    const engine = await createCpuEngine(graph);
    for (const inputs of [new Int8Array(bytes), new Uint8ClampedArray(bytes), 'text', null, undefined]) {
      await expect(Reflect.apply(engine.infer, engine, [inputs])).rejects.toThrow(SpikescopeError);
    }
    await engine.close();
  });

  it('an instruction set or thread count that cannot be had', async () => {
    const open = (options: object) => rejectionOf(createCpuEngine(graph, options));
    expect(await open({ instructionSet: 'neon9000' })).toBe('INSTRUCTION_SET');
    for (const threads of [0, -1, 1.5, 1e9, Number.NaN, 'two'])
      expect(await open({ threads })).toBe('THREADS');
  });
});

describe('a graph that breaks a rule is refused by the addon itself', () => {
  const sound = qanaShapedGraph(12);

  /** The graph with one node changed. */
  function changed(op: string, change: object): IntegerGraph {
    let done = false;
    const nodes = sound.nodes.map((node) => {
      if (done || node.op !== op) return node;
      done = true;
      return { ...node, ...change };
    });
    return { ...sound, nodes };
  }

  const open = (graph: unknown) =>
    rejectionOf(Promise.resolve().then(() => Reflect.apply(createCpuEngine, null, [graph])));

  it.each<[string, string, object]>([
    ['unknown input', 'convolution', { input: 'nowhere' }],
    ['missing input', 'convolution', { input: undefined }],
    ['unknown operator', 'convolution', { op: 'transpose' }],
    ['weights of another type', 'convolution', { weights: new Uint8Array(48) }],
    ['too few weights', 'convolution', { weights: new Int8Array(47) }],
    ['too few biases', 'convolution', { bias: new Int32Array(15) }],
    ['groups that do not divide', 'convolution', { groups: 2 }],
    ['no groups', 'convolution', { groups: 0 }],
    ['a fractional stride', 'convolution', { stride: [1.5, 1] }],
    ['a stride of zero', 'convolution', { stride: [0, 1] }],
    ['an endless kernel', 'convolution', { kernel: [Number.POSITIVE_INFINITY, 1] }],
    ['negative padding', 'convolution', { padding: { top: -1, left: 0, bottom: 0, right: 0 } }],
    ['too few padding values', 'convolution', { paddingValues: new Uint8Array(2) }],
    [
      'a zero multiplier',
      'convolution',
      { requantisation: { multiplier: new Int16Array(16), shift: new Uint8Array(16) } },
    ],
    [
      'a shift beyond 30',
      'multiply',
      { requantisation: { multiplier: Int16Array.of(1), shift: Uint8Array.of(31) } },
    ],
    ['a clamp upside down', 'convolution', { clamp: { minimum: 200, maximum: 100 } }],
    ['a clamp beyond a byte', 'convolution', { clamp: { minimum: 0, maximum: 256 } }],
    ['a short table', 'table', { table: new Uint8Array(255) }],
    ['a gate of another shape', 'multiply', { gate: 'input' }],
    ['an add of different shapes', 'add', { inputs: ['input', 'input'] }],
    ['too many multipliers', 'add', { multipliers: Int16Array.of(1, 1, 1) }],
    [
      'an output larger than the window allows',
      'averagePool',
      { output: { shape: [33, 32, 32], quantisation: { scale: 1, zeroPoint: 0 } } },
    ],
    [
      'an absurd shape',
      'convolution',
      { output: { shape: [2 ** 23, 2 ** 23, 16], quantisation: { scale: 1, zeroPoint: 0 } } },
    ],
    [
      'a zero point beyond a byte',
      'convolution',
      { output: { shape: [64, 64, 16], quantisation: { scale: 1, zeroPoint: 256 } } },
    ],
    [
      'a concat of different quantisations',
      'concat',
      { output: { shape: [64, 64, 32], quantisation: { scale: 77, zeroPoint: 0 } } },
    ],
    ['a name taken twice', 'table', { name: 'node 0' }],
  ])('%s: GRAPH_INVALID', async (_, op, change) => {
    expect(await open(changed(op, change))).toBe('GRAPH_INVALID');
  });

  it('a bias that could overflow the accumulator: GRAPH_ACCUMULATOR', async () => {
    expect(await open(changed('convolution', { bias: new Int32Array(16).fill(2 ** 30) }))).toBe(
      'GRAPH_ACCUMULATOR',
    );
  });

  it('things that are no graph: GRAPH_INVALID', async () => {
    for (const thing of [
      null,
      undefined,
      5,
      'graph',
      [],
      {},
      { ...sound, head: {} },
      { ...sound, nodes: [null] },
    ]) {
      expect(await open(thing)).toBe('GRAPH_INVALID');
    }
  });

  it('and the error names the node', async () => {
    await expect(createCpuEngine(changed('table', { table: new Uint8Array(3) }))).rejects.toMatchObject({
      details: { node: sound.nodes.find(({ op }) => op === 'table')?.name, field: 'table' },
    });
  });
});
