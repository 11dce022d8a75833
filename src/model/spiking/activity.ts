/** Who fires how much, and what it costs: the figures of one simulated image, layer by layer. */
import { elementCount, INPUT_NAME, type IntegerGraph, tensorsOf } from '../graph.ts';
import { SpikeCode } from './code.ts';
import { integrates, type Simulation } from './simulate.ts';
import { sumOverSynapses } from './synapses.ts';

/** One population and the synapses that lead to it. */
export interface LayerActivity {
  /** Of the node; `input` for the encoders, `head` for the output neurons. */
  readonly name: string;
  readonly operator: string;
  /** 0 for nodes that only pass spikes on. */
  readonly neurons: number;
  /** Fired over the window by all neurons together. */
  readonly spikes: number;
  /** Neurons that fired another number than at rest. */
  readonly activeNeurons: number;
  /** Leading here from within the image; those of a convolution's border carry none. */
  readonly synapses: number;
  /** Spikes that crossed them: each one is an accumulation. */
  readonly synapticOperations: number;
  /** Synapses whose source is not at rest: multiply-adds of an accelerator that sends a window's count as one event. */
  readonly activeSynapses: number;
}

/** Input first, then the nodes in their order, the head last. */
export function activityOf(graph: IntegerGraph, { counts, steps }: Simulation): LayerActivity[] {
  const tensors = tensorsOf(graph);
  const look = <T>(map: ReadonlyMap<string, T>, name: string): T => {
    const found = map.get(name);
    if (found === undefined) throw new RangeError(`No tensor is named ${name}`);
    return found;
  };
  const active = new Map(
    [...counts].map(([name, spikes]) => {
      const { rest } = new SpikeCode(look(tensors, name).quantisation, steps);
      return [name, spikes.map((count) => (count === rest ? 0 : 1))];
    }),
  );
  const ones = new Map([...counts].map(([name, { length }]) => [name, new Uint8Array(length).fill(1)]));
  const population = (name: string) => {
    const spikes = look(counts, name);
    return { neurons: spikes.length, spikes: sum(spikes), activeNeurons: sum(look(active, name)) };
  };
  const silent = { neurons: 0, spikes: 0, activeNeurons: 0 };
  const without = { synapses: 0, synapticOperations: 0, activeSynapses: 0 };

  const layers = graph.nodes.map((node): LayerActivity => {
    const over = (values: ReadonlyMap<string, Uint8Array>) =>
      sumOverSynapses(
        node,
        (name) => look(tensors, name),
        (name) => look(values, name),
      );
    return {
      name: node.name,
      operator: node.op,
      ...(integrates(node) ? population(node.name) : silent),
      synapses: over(ones),
      synapticOperations: over(counts),
      activeSynapses: over(active),
    };
  });
  const { classes, head } = graph;
  return [
    { name: INPUT_NAME, operator: 'input', ...population(INPUT_NAME), ...without },
    ...layers,
    {
      name: 'head',
      operator: 'head',
      ...silent,
      neurons: classes.length,
      synapses: classes.length * elementCount(look(tensors, head.input).shape),
      synapticOperations: classes.length * sum(look(counts, head.input)),
      activeSynapses: classes.length * sum(look(active, head.input)),
    },
  ];
}

function sum(values: Uint8Array): number {
  let total = 0;
  for (const value of values) total += value;
  return total;
}
