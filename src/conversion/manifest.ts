/** The conversion manifest: what became of every layer, and where it can run (specification §5). */
import { AKIDA1_DEVICES } from '../model/bundle/akida-programs-section.ts';
import type { Manifest } from '../model/bundle/contract.ts';
import type { GraphNode, IntegerGraph } from '../model/graph.ts';
import { inputsOf } from '../model/graph.ts';
import { isSpikeCount } from '../model/spiking/monotone.ts';
import { programOf } from './akida1/program.ts';
import type { FloatGraph } from './float/graph.ts';
import { checkTargets, forEachTarget, type Target, type TargetReports } from './targets/check.ts';
import { HEAD_NAME } from './targets/target.ts';

export interface ManifestSource {
  readonly source: Manifest['source'];
  readonly target: Target;
  readonly weightQuantisation: Manifest['weightQuantisation'];
  readonly calibration: Manifest['calibration'];
  readonly floatNodes: number;
  readonly nodesNeedingDequantisation: readonly string[];
}

/** `folded`: the float graph that was lowered, for the history of each node. */
export function manifestOf(graph: IntegerGraph, folded: FloatGraph, source: ManifestSource): Manifest {
  const targets = checkTargets(graph);
  const rewrites = new Map(folded.nodes.map((node) => [node.name, node.rewrites]));
  const needing = [...source.nodesNeedingDequantisation];
  return {
    source: source.source,
    weightQuantisation: source.weightQuantisation,
    calibration: source.calibration,
    floatNodes: source.floatNodes,
    nodesNeedingDequantisation: needing,
    conversionSuccessRate: conversionSuccessRate(needing.length, folded.nodes.length),
    layers: [
      ...graph.nodes.map((node) => ({
        name: node.name,
        operator: node.op,
        sources: [...node.sources],
        reparameterisation: [...(rewrites.get(node.name) ?? [])],
        scale: node.output.quantisation.scale,
        zeroPoint: node.output.quantisation.zeroPoint,
        kernel: kernelOf(node, graph),
        placement: placementOf(node.name, targets),
      })),
      {
        name: HEAD_NAME,
        operator: 'head',
        sources: [...graph.head.sources],
        reparameterisation: headHistory(graph, folded),
        scale: graph.head.scale,
        zeroPoint: 0,
        kernel: 'dense',
        placement: placementOf(HEAD_NAME, targets),
      },
    ],
    targets,
    ...(isAkida1(source.target) && targets[source.target].maps && { akida1: programOf(graph) }),
  };
}

/** CSR = 1 − |nodes needing dequantisation| / |nodes| (equation 16). */
export function conversionSuccessRate(needing: number, nodes: number): number {
  return nodes === 0 ? 0 : 1 - needing / nodes;
}

function headHistory({ head }: IntegerGraph, folded: FloatGraph): string[] {
  const source = folded.nodes.find(({ name }) => name === folded.output);
  return head.sources.length === 0
    ? ['identity: the last layer is not dense']
    : [...(source?.rewrites ?? [])];
}

function placementOf(name: string, targets: TargetReports): Record<Target, 'chip' | 'host' | 'cpu'> {
  return forEachTarget((target, { mapped }) =>
    targets[target].unmapped.some(({ node }) => node === name) ? 'host' : mapped,
  );
}

/** The kind of kernel that runs a node, in words. */
export function kernelOf(node: GraphNode, graph: IntegerGraph): string {
  switch (node.op) {
    case 'convolution': {
      const size = node.kernel.join('×');
      const stride = node.stride.some((step) => step !== 1) ? ` stride ${node.stride.join('×')}` : '';
      if (node.groups === 1) return size === '1×1' ? `pointwise${stride}` : `dense ${size}${stride}`;
      const [input] = inputsOf(node);
      const channels =
        graph.nodes.find(({ name }) => name === input)?.output.shape[2] ?? graph.input.shape[2];
      return `${node.groups === channels ? 'depthwise' : `${node.groups} groups`} ${size}${stride}`;
    }
    case 'averagePool':
    case 'maxPool':
      return `${node.op === 'maxPool' ? 'max' : 'average'} ${node.kernel.join('×')} stride ${node.stride.join('×')}`;
    case 'table':
      return `${node.function} table${isSpikeCount(node) ? '' : ', not monotone: no spike count'}`;
    case 'multiply':
      return 'gate';
    case 'select':
      return 'choice';
    case 'extremum':
      return node.kind;
    case 'channelMaximum':
      return 'maximum over channels';
    default:
      return node.op;
  }
}

/** Whether the manifest writes down the target's own arithmetic. */
function isAkida1(target: Target): boolean {
  return AKIDA1_DEVICES.some((device) => device === target);
}
