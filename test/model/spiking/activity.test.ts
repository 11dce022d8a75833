import { describe, expect, it } from 'vitest';
import { multiplyAddsOf } from '../../../src/model/cost.ts';
import { INPUT_NAME, type IntegerGraph, tensorsOf } from '../../../src/model/graph.ts';
import { activityOf } from '../../../src/model/spiking/activity.ts';
import { simulate } from '../../../src/model/spiking/simulate.ts';
import { qanaShapedGraph, randomGraph, randomInput } from '../../support/graphs.ts';
import { Random } from '../../support/random.ts';
import { synapsesOf } from '../../support/synapses.ts';

function simulated(graph: IntegerGraph, seed: number, steps: number) {
  const simulation = simulate(graph, randomInput(graph, new Random(seed)), steps);
  return { counts: simulation.counts, layers: activityOf(graph, simulation) };
}

describe('activity', () => {
  it('sums what every single synapse carries', () => {
    for (let seed = 0; seed < 80; seed++) {
      const graph = randomGraph(seed, 5);
      const { counts, layers } = simulated(graph, seed, seed % 2 === 0 ? 255 : 15);
      for (const [i, node] of graph.nodes.entries()) {
        let [synapses, operations] = [0, 0];
        for (const [tensor, element] of synapsesOf(graph, node)) {
          synapses++;
          operations += counts.get(tensor)?.[element] ?? Number.NaN;
        }
        const { name, ...layer } = layers[i + 1];
        expect(name).toBe(node.name);
        expect(layer, `seed ${seed}, ${node.op}`).toMatchObject({ synapses, synapticOperations: operations });
      }
    }
  });

  it('has every neuron once, and more spikes and active synapses nowhere than there can be', () => {
    const steps = 15;
    const graph = qanaShapedGraph(2);
    const { counts, layers } = simulated(graph, 3, steps);
    expect(layers.map(({ name }) => name)).toEqual([
      INPUT_NAME,
      ...graph.nodes.map(({ name }) => name),
      'head',
    ]);
    for (const {
      name,
      neurons,
      spikes,
      activeNeurons,
      synapses,
      synapticOperations,
      activeSynapses,
    } of layers) {
      expect(spikes, name).toBeLessThanOrEqual(neurons * steps);
      expect(activeNeurons, name).toBeLessThanOrEqual(neurons);
      expect(activeSynapses, name).toBeLessThanOrEqual(synapses);
      expect(synapticOperations, name).toBeLessThanOrEqual(synapses * steps);
      if (neurons > 0 && name !== 'head') expect(neurons, name).toBe(counts.get(name)?.length);
    }
    const routing = layers.filter(({ operator }) => operator === 'concat');
    expect(routing.length).toBe(4);
    for (const { neurons, spikes } of routing) expect([neurons, spikes]).toEqual([0, 0]);
  });

  it('counts as many synapses as multiply-adds, but for those of borders', () => {
    const graph = qanaShapedGraph(4);
    const { layers } = simulated(graph, 5, 255);
    for (const [i, node] of graph.nodes.entries()) {
      if (node.op !== 'convolution' && node.op !== 'dense') continue;
      const { synapses } = layers[i + 1];
      if (node.op === 'dense' || node.kernel[0] === 1) expect(synapses).toBe(multiplyAddsOf(node));
      else expect(synapses).toBeLessThan(multiplyAddsOf(node));
    }
  });

  it('has no active synapse where nothing but rest goes in', () => {
    const graph = qanaShapedGraph(6);
    const input = new Uint8Array(64 * 64 * 3).fill(graph.input.quantisation.zeroPoint);
    const [encoders, first] = activityOf(graph, simulate(graph, input));
    expect([encoders.activeNeurons, first.activeSynapses]).toEqual([0, 0]);
    expect(tensorsOf(graph).get(INPUT_NAME)?.quantisation.zeroPoint).toBe(encoders.spikes / encoders.neurons);
  });
});
