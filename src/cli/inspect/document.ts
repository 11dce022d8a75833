import { valueBits, weightBits } from '../../model/bits.ts';
import { type Akida1Section, STEPS_PER_POTENTIAL } from '../../model/bundle/akida1-section.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Manifest } from '../../model/bundle/contract.ts';
import type { ScopeSection } from '../../model/bundle/scope-section.ts';
import { multiplyAddsOf, parameterBytesOf } from '../../model/cost.ts';
import type { GraphNode } from '../../model/graph.ts';
import { nodesWithoutSpikes } from '../../model/spiking/monotone.ts';
import type { CardReport } from '../../runtime/engine/card/report.ts';
import { cardWords } from '../../runtime/engine/card/words.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { programFigures } from '../shared/card-programs.ts';

type ManifestLayer = Manifest['layers'][number];

export interface InspectedLayer {
  readonly name: string;
  readonly operator: string;
  readonly kernel: string | null;
  readonly shape: readonly number[];
  readonly scale: number;
  readonly zeroPoint: number;
  /** Bits that the values use, whatever they are stored in; null where a layer has none of its own. */
  readonly weightBits: number | null;
  readonly activationBits: number | null;
  readonly multiplyAdds: number;
  readonly parameterBytes: number;
  readonly sources: readonly string[];
  readonly reparameterisation: readonly string[];
  readonly placement: ManifestLayer['placement'] | null;
}

/**
 * What `inspect --json` prints. Layers of the graph come first, the head last.
 * @param report what the machine says of an Akida card
 */
export function documentOf(file: string, bundle: ModelBundle, engine: Engine, report: CardReport) {
  const { name, version, digest, graph, manifest, preprocessing, readout, golden, card, scope } = bundle;
  const layers = layersOf(bundle);
  const sum = (value: (layer: InspectedLayer) => number) =>
    layers.reduce((total, layer) => total + value(layer), 0);
  return {
    bundle: file,
    model: { name, version, digest },
    input: graph.input,
    classes: graph.classes,
    /** Layers whose values are no counts of spikes; a spiking network has none. */
    notSpiking: nodesWithoutSpikes(graph),
    ...(bundle.assumedClasses && { assumedClasses: true as const }),
    layers,
    totals: {
      layers: layers.length,
      multiplyAdds: sum(({ multiplyAdds }) => multiplyAdds),
      parameterBytes: sum(({ parameterBytes }) => parameterBytes),
    },
    engine: {
      backend: engine.backend,
      instructionSet: engine.instructionSet,
      arenaBytes: engine.arenaBytes,
      goldenInputsReplayed: golden.length,
      akida: report.chips.length === 0 ? null : cardWords(report).join('; '),
    },
    conversion: {
      source: manifest.source,
      weightQuantisation: manifest.weightQuantisation,
      calibration: manifest.calibration,
      conversionSuccessRate: manifest.conversionSuccessRate,
      targets: manifest.targets,
    },
    preprocessing,
    readout,
    scope: scope === undefined ? null : scopeFigures(scope),
    akida1: manifest.akida1 === undefined ? null : akida1Figures(manifest.akida1),
    akidaPrograms: programFigures(bundle.akidaPrograms),
    card,
  };
}
/** Without the distributions. */
function scopeFigures({ method, outOfScope, unfamiliar, fittedOn, expected }: ScopeSection) {
  return { method, outOfScope, unfamiliar, fittedOn, expected };
}

/** What Akida 1.0 is given of the graph, in potentials. */
function akida1Figures({ layers, shifts }: Akida1Section) {
  return {
    layers: layers.map(({ name, thresholds, steps }) => ({
      name,
      thresholds: [...thresholds],
      steps: Array.from(steps, (step) => step / STEPS_PER_POTENTIAL),
    })),
    shifts: [...shifts],
  };
}

export type InspectDocument = ReturnType<typeof documentOf>;

function layersOf({ graph, manifest }: ModelBundle): InspectedLayer[] {
  const described = new Map(manifest.layers.map((layer) => [layer.name, layer]));
  const fromManifest = (name: string) => {
    const layer = described.get(name);
    return {
      kernel: layer?.kernel ?? null,
      reparameterisation: layer?.reparameterisation ?? [],
      placement: layer?.placement ?? null,
    };
  };
  const { head } = graph;
  return [
    ...graph.nodes.map((node) => ({
      name: node.name,
      operator: node.op,
      shape: node.output.shape,
      ...node.output.quantisation,
      weightBits: 'weights' in node ? weightBits(node.weights) : null,
      activationBits: activationBitsOf(node),
      multiplyAdds: multiplyAddsOf(node),
      parameterBytes: parameterBytesOf(node),
      sources: node.sources,
      ...fromManifest(node.name),
    })),
    {
      name: 'head',
      operator: 'head',
      shape: [1, 1, graph.classes.length],
      scale: head.scale,
      zeroPoint: 0,
      weightBits: weightBits(head.weights),
      activationBits: null,
      multiplyAdds: head.weights.length,
      parameterBytes: parameterBytesOf(head),
      sources: head.sources,
      ...fromManifest('head'),
    },
  ];
}

/** Null for operators that only move values: they have their inputs' bits. */
function activationBitsOf(node: GraphNode): number | null {
  if (node.op === 'table') return valueBits(node.table.reduce((most, value) => Math.max(most, value), 0));
  return 'clamp' in node ? valueBits(node.clamp.maximum) : null;
}
