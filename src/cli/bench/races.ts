/** The races of a bench: the bundle at every batch and number of threads, and the networks with random weights. */

import { type GraphTiming, timeGraph } from '../../bench/graph.ts';
import { type GraphLayers, measureLayers } from '../../bench/layers.ts';
import type { MachineLimits } from '../../bench/limits.ts';
import { buildNetwork, NETWORK_NAMES, type NetworkName } from '../../bench/networks/networks.ts';
import type { PeerSource } from '../../bench/peers/peer.ts';
import { UsageError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { startProgress } from '../../ui/terminal/console.ts';
import type { Absences } from './absences.ts';
import { networkPeers } from './peers.ts';

const SIDES = [64, 224];
/** A network's convolutions halve the side five times. */
const SIDE_MULTIPLE = 32;
/** Pixels that a network's timed calls go through in all, so that each takes its seconds. */
const PIXELS = 1_500_000;
const NETWORK_WARM_UP = 5;
const LEAST_CALLS = 20;
const LAYER_ROUNDS = 30;

export interface NetworkChoice {
  readonly network: NetworkName;
  readonly side: number;
}

/** `true`: all of them; else `name@side` between commas. @throws UsageError `NETWORK` */
export function networksOption(value: true | string | undefined): NetworkChoice[] {
  if (value === undefined) return [];
  if (value === true) return SIDES.flatMap((side) => NETWORK_NAMES.map((network) => ({ network, side })));
  return value.split(',').map((text) => {
    const [name, digits] = text.trim().split('@');
    const network = NETWORK_NAMES.find((one) => one === name);
    const side = Number(digits);
    if (network === undefined || !(side >= SIDE_MULTIPLE && side <= 512) || side % SIDE_MULTIPLE !== 0) {
      throw new UsageError('NETWORK', 'There is no such network', {
        field: '--networks',
        expected: `${NETWORK_NAMES.join(', ')}, each with @ and a multiple of ${SIDE_MULTIPLE} up to 512`,
        received: text,
      });
    }
    return { network, side };
  });
}

interface RaceOptions {
  readonly batch: readonly number[];
  readonly threads: readonly number[];
  readonly iterations: number;
}

export async function raceBundle(
  bundle: ModelBundle,
  { batch: batches, threads: threadCounts, iterations }: RaceOptions,
  peers: readonly PeerSource[],
  { leaveOut }: Absences,
): Promise<GraphTiming[]> {
  const progress = startProgress('bench', batches.length * threadCounts.length);
  const results: GraphTiming[] = [];
  try {
    for (const threads of threadCounts) {
      for (const batch of batches) {
        const calls = Math.max(LEAST_CALLS, Math.ceil(iterations / batch));
        results.push(await timeGraph(bundle, { batch, threads, iterations: calls, peers, leaveOut }));
        progress.advance();
      }
    }
  } finally {
    progress.stop();
  }
  return results;
}

interface RacedNetworks {
  readonly results: readonly GraphTiming[];
  readonly layers: readonly GraphLayers[];
}

/** One image at a time, on one thread. */
export async function raceNetworks(
  choices: readonly NetworkChoice[],
  limits: MachineLimits,
  instructionSet: string,
  { leaveOut }: Absences,
): Promise<RacedNetworks> {
  const results: GraphTiming[] = [];
  const layers: GraphLayers[] = [];
  if (choices.length === 0) return { results, layers };
  const progress = startProgress('networks', choices.length);
  try {
    for (const { network, side } of choices) {
      const built = await buildNetwork(network, side);
      const { name, integer: graph } = built;
      const iterations = Math.max(LEAST_CALLS, Math.ceil(PIXELS / side ** 2));
      const peers = await networkPeers(built);
      const options = { batch: 1, threads: 1, iterations, warmUp: NETWORK_WARM_UP, peers, leaveOut };
      results.push(await timeGraph({ name, graph }, options));
      layers.push(await measureLayers(name, graph, limits, { instructionSet, rounds: LAYER_ROUNDS }));
      progress.advance();
    }
  } finally {
    progress.stop();
  }
  return { results, layers };
}
