import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../../../src/errors.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { INPUT_NAME, type IntegerGraph, tensorsOf } from '../../../src/model/graph.ts';
import { interpret } from '../../../src/model/interpreter/interpreter.ts';
import { SpikeCode, WINDOWS } from '../../../src/model/spiking/code.ts';
import { countSpikes, integrateAndFire } from '../../../src/model/spiking/neuron.ts';
import { type Simulation, simulate } from '../../../src/model/spiking/simulate.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { DEFAULT_MODEL } from '../../../src/runtime/engine/shipped-models.ts';
import { qanaShapedGraph, randomGraph, randomInput } from '../../support/graphs.ts';
import { Random } from '../../support/random.ts';

const GRAPHS = 400;

/** Name of the first tensor whose spike counts are not the integer values, or null. */
function firstDifference(graph: IntegerGraph, input: Uint8Array, simulation: Simulation): string | null {
  const { potentials, tensors } = interpret(graph, input);
  for (const [name, values] of tensors) {
    const counts = simulation.counts.get(name);
    if (counts === undefined || !Buffer.from(counts).equals(values)) return name;
  }
  return potentials.every((potential, c) => potential === simulation.potentials[c]) ? null : 'potentials';
}

describe('over 255 steps the spike counts are the integer engine’s values', () => {
  it(`on every tensor of ${GRAPHS} random graphs`, () => {
    const operators = new Set<string>();
    for (let seed = 0; seed < GRAPHS; seed++) {
      const graph = randomGraph(seed, 10);
      for (const { op } of graph.nodes) operators.add(op);
      const input = randomInput(graph, new Random(seed));
      expect(firstDifference(graph, input, simulate(graph, input)), `seed ${seed}`).toBeNull();
    }
    expect([...operators].sort()).toEqual([
      ...['add', 'averagePool', 'concat', 'convolution', 'dense'],
      ...['flatten', 'maxPool', 'multiply', 'pad', 'table'],
    ]);
  });

  it('when every neuron integrates step by step', () => {
    for (let seed = 0; seed < 60; seed++) {
      const graph = randomGraph(seed, 6);
      const input = randomInput(graph, new Random(seed));
      const simulation = simulate(graph, input, 255, integrateAndFire);
      expect(firstDifference(graph, input, simulation), `seed ${seed}`).toBeNull();
    }
  });

  it.skipIf(!existsSync(DEFAULT_MODEL))('on the bundle that ships, as its engine computes it', async () => {
    const { graph, golden } = await readBundle(DEFAULT_MODEL);
    const random = new Random(1);
    const inputs = [golden[0].input, randomInput(graph, random), random.bytes(golden[0].input.length)];
    const engine = await createCpuEngine(graph);
    try {
      for (const input of inputs) {
        const simulation = simulate(graph, input);
        expect(firstDifference(graph, input, simulation)).toBeNull();
        const { potentials, embeddings } = await engine.infer(input);
        expect([...simulation.potentials]).toEqual([...potentials]);
        expect(Buffer.from(embeddings).equals(simulation.counts.get(graph.head.input) ?? Buffer.of())).toBe(
          true,
        );
      }
    } finally {
      await engine.close();
    }
  });
});

describe('over fewer steps', () => {
  it.each(WINDOWS)('%i: stepping and counting at once give the same spikes', (steps) => {
    for (let seed = 0; seed < 40; seed++) {
      const graph = randomGraph(seed, 6);
      const input = randomInput(graph, new Random(seed));
      const stepped = simulate(graph, input, steps, integrateAndFire);
      const counted = simulate(graph, input, steps, countSpikes);
      expect(counted.counts, `seed ${seed}`).toEqual(stepped.counts);
      expect(counted.potentials, `seed ${seed}`).toEqual(stepped.potentials);
    }
  });

  it.each(WINDOWS)(
    '%i: no neuron fires more than once a step, and the input is its nearest count',
    (steps) => {
      const graph = qanaShapedGraph(steps);
      const input = randomInput(graph, new Random(steps));
      const { counts } = simulate(graph, input, steps);
      for (const [name, spikes] of counts)
        expect(
          spikes.every((count) => count <= steps),
          name,
        ).toBe(true);
      const { zeroPoint } = graph.input.quantisation;
      const rest = Math.round((zeroPoint * steps) / 255);
      const expected = input.map((value) =>
        Math.min(steps, Math.max(0, rest + Math.round(((value - zeroPoint) * steps) / 255))),
      );
      expect(counts.get(INPUT_NAME)).toEqual(expected);
    },
  );

  it('what is at rest stays at rest: an image of zeros gives the potentials of the biases', () => {
    // Without biases and borders of their own, real 0 in is real 0 everywhere.
    const graph = qanaShapedGraph(5);
    const nodes = graph.nodes
      .map((node) => ('bias' in node ? { ...node, bias: new Int32Array(node.bias.length) } : node))
      .map((node) =>
        node.op === 'table'
          ? { ...node, table: new Uint8Array(256).fill(node.output.quantisation.zeroPoint) }
          : node,
      );
    const still: IntegerGraph = { ...graph, nodes };
    const input = new Uint8Array(64 * 64 * 3).fill(graph.input.quantisation.zeroPoint);
    for (const steps of WINDOWS) {
      const { counts, potentials } = simulate(still, input, steps);
      expect([...potentials], `${steps} steps`).toEqual([...graph.head.bias]);
      for (const [name, { quantisation }] of tensorsOf(still)) {
        const { rest } = new SpikeCode(quantisation, steps);
        expect(new Set(counts.get(name)), `${name}, ${steps} steps`).toEqual(new Set([rest]));
      }
    }
  });

  it.each([0, 2, 7, 254, 256, 1.5, Number.NaN])('%d of them are refused', (steps) => {
    const graph = randomGraph(1);
    expect(() => simulate(graph, randomInput(graph, new Random(1)), steps)).toThrow(UsageError);
  });
});
