import { SpikescopeError } from '../../errors.ts';
import type { IntegerGraph } from '../../model/graph.ts';
import type { Inference } from '../../model/inference.ts';
import { activityOf, type LayerActivity } from '../../model/spiking/activity.ts';
import { FULL_SCALE } from '../../model/spiking/code.ts';
import { type Simulation, simulate } from '../../model/spiking/simulate.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { largestIndex } from '../../runtime/inference/readout.ts';
import type { ActivityDocument, WindowFigures } from './document.ts';
import type { SimulatedImage } from './inputs.ts';

export type MeasuredActivity = Pick<ActivityDocument, 'images' | 'equalToEngine' | 'layers' | 'windows'>;

/** Sums over images while they come. */
interface Tally {
  readonly steps: number;
  layers: LayerActivity[];
  agreeing: number;
  right: number;
}

/**
 * Simulates images over windows of different lengths; the one of 255 steps, which is always among them, is compared with the
 * engine, potential by potential and neuron by neuron of the embedding.
 * @param windows of `WINDOWS`
 * @throws SpikescopeError `SIMULATION_DIFFERS`: a fault of the simulator or the engine
 */
export async function measureActivity(
  graph: IntegerGraph,
  engine: Engine,
  images: AsyncIterable<SimulatedImage>,
  windows: readonly number[],
  onSimulation?: () => void,
): Promise<MeasuredActivity> {
  const steps = [...new Set([...windows, FULL_SCALE])].sort((a, b) => a - b);
  const tallies = steps.map((length): Tally => ({ steps: length, layers: [], agreeing: 0, right: 0 }));
  let [count, labelled] = [0, 0];
  for await (const { input, label } of images) {
    count++;
    if (label !== null) labelled++;
    const inference = await engine.infer(input);
    const winner = largestIndex(inference.potentials);
    for (const tally of tallies) {
      const simulation = simulate(graph, input, tally.steps);
      if (tally.steps === FULL_SCALE) requireEqual(graph, simulation, inference);
      const layers = activityOf(graph, simulation);
      tally.layers =
        tally.layers.length === 0 ? layers : tally.layers.map((layer, i) => plus(layer, layers[i]));
      const answer = largestIndex(simulation.potentials);
      if (answer === winner) tally.agreeing++;
      if (answer === label) tally.right++;
      onSimulation?.();
    }
  }
  const longest = tallies[tallies.length - 1];
  return {
    images: count,
    equalToEngine: count,
    layers: longest.layers.map((layer) => mapFigures(layer, (value) => value / count)),
    windows: tallies.map((tally) => figuresOf(tally, count, labelled === count)),
  };
}

function requireEqual(graph: IntegerGraph, { potentials, counts }: Simulation, inference: Inference): void {
  const embedding = counts.get(graph.head.input) ?? new Uint8Array();
  const isEqual =
    potentials.every((potential, c) => potential === inference.potentials[c]) &&
    Buffer.from(embedding).equals(inference.embeddings);
  if (isEqual) return;
  throw new SpikescopeError('SIMULATION_DIFFERS', 'The spiking simulation and the engine do not agree', {
    expected: [...inference.potentials].join(', '),
    received: [...potentials].join(', '),
    remedy: 'please report it, with the bundle',
  });
}

function figuresOf(
  { steps, layers, agreeing, right }: Tally,
  count: number,
  isLabelled: boolean,
): WindowFigures {
  const mean = (figure: keyof Figures) => layers.reduce((sum, layer) => sum + layer[figure], 0) / count;
  return {
    steps,
    spikes: mean('spikes'),
    synapticOperations: mean('synapticOperations'),
    activeSynapses: mean('activeSynapses'),
    agreement: agreeing / count,
    top1: isLabelled ? right / count : null,
  };
}

/** The figures that differ from image to image. */
type Figures = Pick<LayerActivity, 'spikes' | 'activeNeurons' | 'synapticOperations' | 'activeSynapses'>;

function mapFigures(
  layer: LayerActivity,
  change: (value: number, name: keyof Figures) => number,
): LayerActivity {
  return {
    ...layer,
    spikes: change(layer.spikes, 'spikes'),
    activeNeurons: change(layer.activeNeurons, 'activeNeurons'),
    synapticOperations: change(layer.synapticOperations, 'synapticOperations'),
    activeSynapses: change(layer.activeSynapses, 'activeSynapses'),
  };
}

function plus(one: LayerActivity, other: LayerActivity): LayerActivity {
  return mapFigures(one, (value, name) => value + other[name]);
}
