import { exportQdq } from '../conversion/export/qdq.ts';
import { SpikescopeError } from '../errors.ts';
import type { ModelBundle } from '../model/bundle/bundle.ts';
import { elementCount, type IntegerGraph } from '../model/graph.ts';
import { seededRandom } from '../random.ts';
import { createCpuEngine } from '../runtime/engine/cpu.ts';
import { onnxruntimePeer } from './peers/onnxruntime.ts';
import type { Peer, PeerSource } from './peers/peer.ts';
import { type Candidate, type Latency, race } from './race.ts';

/** Inputs that take turns, so that no candidate is timed on one image alone. */
const INPUTS = 8;
const WARM_UP = 50;
export const FLOAT_PEER = 'onnxruntime-float';
export const INTEGER_PEER = 'onnxruntime-int8';

/** A graph to be timed. */
export interface TimedGraph {
  readonly name: string;
  readonly graph: IntegerGraph;
}

export interface GraphTiming {
  readonly graph: string;
  readonly batch: number;
  readonly threads: number;
  readonly instructionSet: string;
  readonly engine: Latency;
  readonly imagesPerSecond: number;
  readonly peers: Readonly<Record<string, Latency>>;
  /** Engine's median over each peer's. */
  readonly ratios: Readonly<Record<string, number>>;
  /** Engine's median over that of the fastest peer; null without peers. */
  readonly ratioToBest: number | null;
}

export interface TimeGraphOptions {
  readonly batch: number;
  readonly threads: number;
  /** Timed calls of each candidate. */
  readonly iterations: number;
  /** Untimed calls of each before. */
  readonly warmUp?: number;
  readonly peers: readonly PeerSource[];
  /** Told of each peer that does not run this graph here, and why. Default: the fault is thrown. */
  readonly leaveOut?: (peer: string, reason: string) => void;
}

/** The bundle's own integers and the float graph under onnxruntime. */
export async function onnxruntimePeers(
  bundle: ModelBundle,
  float: string | Uint8Array,
): Promise<PeerSource[]> {
  const side = bundle.preprocessing.width;
  return [
    onnxruntimePeer(FLOAT_PEER, float, side),
    onnxruntimePeer(INTEGER_PEER, await exportQdq(bundle.graph), side),
  ];
}

/**
 * Times the engine and its peers on the same inputs in the same run, as JavaScript sees them: from the call to the
 * settled promise.
 */
export async function timeGraph(
  { name, graph }: TimedGraph,
  { batch, threads, iterations, warmUp = WARM_UP, peers, leaveOut }: TimeGraphOptions,
): Promise<GraphTiming> {
  const engine = await createCpuEngine(graph, { threads });
  const opened: Peer[] = [];
  try {
    const inputs = randomInputs(batch * elementCount(graph.input.shape));
    const candidates: Candidate[] = [{ name: 'engine', run: (i) => engine.infer(inputs[i % INPUTS], batch) }];
    for (const source of peers) {
      try {
        const peer = await source.open(threads);
        opened.push(peer);
        const calls = inputs.map((input) => peer.prepare(input, batch));
        // Once, so that an operator that the peer lacks shows before the race.
        await calls[0]();
        candidates.push({ name: source.name, run: (i) => calls[i % INPUTS]() });
      } catch (error) {
        if (leaveOut === undefined || !isAbsence(error)) throw error;
        leaveOut(source.name, error.message);
      }
    }
    const { engine: own, ...times } = Object.fromEntries(await race(candidates, iterations, warmUp));
    const medians = Object.values(times).map(({ median }) => median);
    return {
      graph: name,
      batch,
      threads,
      instructionSet: engine.instructionSet,
      engine: own,
      imagesPerSecond: (1000 * batch) / own.median,
      peers: times,
      ratios: Object.fromEntries(
        Object.entries(times).map(([peer, { median }]) => [peer, own.median / median]),
      ),
      ratioToBest: medians.length === 0 ? null : own.median / Math.min(...medians),
    };
  } finally {
    await Promise.all([engine.close(), ...opened.map((peer) => peer.close())]);
  }
}

/** Codes of faults that mean that a peer is not here, or lacks an operator. */
const ABSENCES = ['ONNXRUNTIME_MISSING', 'TFJS_MISSING', 'PEER_OPERATOR'];

function isAbsence(error: unknown): error is SpikescopeError {
  return error instanceof SpikescopeError && ABSENCES.includes(error.code);
}

export function randomInputs(length: number, count = INPUTS): Uint8Array[] {
  const random = seededRandom(length);
  return Array.from({ length: count }, () => Uint8Array.from({ length }, () => Math.floor(256 * random())));
}
