/**
 * The integer graph as spiking neurons, window by window: a layer integrates what the layer before fired over its window
 * of T steps, as a constant drive, and fires over the next one. Over 255 steps every count equals the integer
 * engine's value, bit for bit; over fewer steps it is the coarser answer that fewer spikes can give.
 */
import { type GraphNode, INPUT_NAME, type IntegerGraph, passesOn, tensorsOf } from '../graph.ts';
import { runNode } from '../interpreter/interpreter.ts';
import { chargeOf, denseLayer } from './charge.ts';
import { type Drives, FULL_SCALE, SpikeCode } from './code.ts';
import { type Decoded, drivesOf, drivesOfValues, type NeuronNode } from './drive.ts';
import { countSpikes, type Neuron } from './neuron.ts';

export interface Simulation {
  readonly steps: number;
  /** int32 per class: what the output neurons have integrated at the end of their window, in the engine's units. */
  readonly potentials: Int32Array;
  /** Spikes of every neuron over its window, 0…steps, by the name of its tensor; the input's encoders included. */
  readonly counts: ReadonlyMap<string, Uint8Array>;
}

/**
 * Simulates one image.
 * @param input uint8 of the graph's input shape; a value v drives its encoder with v/255 of the threshold
 * @param steps of a window, one of `WINDOWS`
 * @throws UsageError `WINDOW`
 */
export function simulate(
  graph: IntegerGraph,
  input: Uint8Array,
  steps: number = FULL_SCALE,
  neuron: Neuron = countSpikes,
): Simulation {
  const specifications = tensorsOf(graph);
  const codes = new Map(
    [...specifications].map(([name, { quantisation }]) => [name, new SpikeCode(quantisation, steps)]),
  );
  const values = new Map<string, Uint8Array>();
  const tensor = (name: string): Decoded => ({ ...named(specifications, name), values: named(values, name) });
  const fire = (name: string, drives: Drives) => values.set(name, named(codes, name).fire(drives, neuron));

  fire(INPUT_NAME, drivesOfValues(input));
  for (const node of graph.nodes) {
    if (integrates(node)) fire(node.name, drivesOf(node, tensor));
    else values.set(node.name, runNode(node, values, specifications));
  }
  return {
    steps,
    potentials: headPotentials(graph, tensor(graph.head.input)),
    counts: new Map(
      [...values].map(([name, decoded]) => {
        const code = named(codes, name);
        return [name, decoded.map((value) => code.countOf(value))];
      }),
    ),
  };
}

/** The output neurons integrate and do not fire. */
function headPotentials({ head, classes }: IntegerGraph, { values, quantisation }: Decoded): Int32Array {
  const layer = denseLayer(head.weights, head.bias, values.length);
  return chargeOf(layer, values, [1, 1, values.length], quantisation.zeroPoint, [1, 1, classes.length]);
}

function named<T>(map: ReadonlyMap<string, T>, name: string): T {
  const value = map.get(name);
  if (value === undefined) throw new RangeError(`No tensor is named ${name}`);
  return value;
}

/** Whether a node's neurons integrate; else it only passes spikes on. */
export function integrates(node: GraphNode): node is NeuronNode {
  return !passesOn(node);
}
