/** The scales that quantisation-aware training settled on, in place of calibration: training and device round alike. */
import { RefusedError } from '../../errors.ts';
import type { TrainedQuantisation } from '../../model/checkpoint/format.ts';
import { INPUT_NAME } from '../../model/graph.ts';
import type { FloatGraph } from '../float/graph.ts';
import type { LoweringContext } from '../lower/lower.ts';
import type { TensorQuantisation } from './precision.ts';
import { withRepresentableFactors } from './scales.ts';

export interface TrainedOptions {
  /** Whether every layer must have weight scales; those without are quantised by their own weights else. */
  readonly isComplete: boolean;
}

/**
 * `graph`: folded as it was trained, so that its tensors are those of the training. Biases stay as trained: a correction
 * by calibration means would answer an error that training has already seen.
 * @throws RefusedError `TRAINED_QUANTISATION` where a tensor or a layer of the graph has no scale
 */
export function trainedContext(
  graph: FloatGraph,
  trained: TrainedQuantisation,
  { isComplete }: TrainedOptions = { isComplete: true },
): LoweringContext {
  const quantisations = new Map<string, TensorQuantisation>();
  for (const tensor of [INPUT_NAME, ...graph.nodes.map(({ name }) => name)]) {
    const settled = trained.activations.get(tensor);
    if (settled !== undefined) {
      const { scale, zeroPoint, maximum } = settled;
      quantisations.set(tensor, { scale, zeroPoint, maximum });
    } else if (tensor !== graph.output) throw unsettled(tensor, 'an activation scale');
  }
  if (isComplete) requireWeightScales(graph, trained);
  const shared = isShared(graph, trained);
  const rules = { scheme: shared ? 'per-tensor' : 'per-channel', trained: trained.weights } as const;
  const settled = withLogits(graph, quantisations);
  const representable = withRepresentableFactors(graph, settled, rules.scheme, rules);
  const noted = withNotes(graph, (tensor) => representable.get(tensor)?.scale !== settled.get(tensor)?.scale);
  return { graph: noted, quantisations: representable, statistics: new Map(), ...rules };
}

/** Whether each layer has one weight scale for all of its outputs. */
function isShared({ nodes }: FloatGraph, { weights }: TrainedQuantisation): boolean {
  const layers = nodes.filter(({ op }) => op === 'convolution' || op === 'dense');
  return layers.every(({ sources: [layer] }) => {
    const scales = weights.get(layer)?.scales;
    return scales?.every((scale) => scale === scales[0]) === true;
  });
}

/** Says in the manifest where the device's scale is not that of the training. */
function withNotes(graph: FloatGraph, isRaised: (tensor: string) => boolean): FloatGraph {
  const nodes = graph.nodes.map((node) =>
    isRaised(node.name) ? { ...node, rewrites: [...node.rewrites, RAISED] } : node,
  );
  return { ...graph, nodes };
}

const RAISED = 'scale of the training raised, because a requantisation factor reached 1';

/** Logits have no quantisation: the head's sums go out as they are. Its place is filled so that look-ups are total. */
function withLogits(graph: FloatGraph, quantisations: Map<string, TensorQuantisation>) {
  if (quantisations.has(graph.output)) return quantisations;
  const head = graph.nodes.find(({ name }) => name === graph.output);
  if (head?.op !== 'dense' || head.clamp !== null) throw unsettled(graph.output, 'an activation scale');
  return new Map(quantisations).set(graph.output, { scale: 1, zeroPoint: 0, maximum: 255 });
}

function requireWeightScales(graph: FloatGraph, { weights }: TrainedQuantisation): void {
  for (const node of graph.nodes) {
    if (node.op !== 'convolution' && node.op !== 'dense') continue;
    const settled = weights.get(node.sources[0]);
    const count = settled?.scales.length;
    const fits = settled?.scales.every((scale) => Number.isFinite(scale) && scale > 0);
    if (!fits || (count !== 1 && count !== node.bias.length)) throw unsettled(node.name, 'weight scales');
  }
}

function unsettled(node: string, expected: string): RefusedError {
  return new RefusedError('TRAINED_QUANTISATION', 'The checkpoint’s quantisation does not fit its network', {
    node,
    expected,
    received: 'none, or another number',
    remedy: 'train anew with this version of spikescope',
  });
}
