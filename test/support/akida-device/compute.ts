/** What a configured card computes: by the integer engine, from the integers that were read back from its program. */
import { levelsFor } from '../../../src/conversion/akida1/activation.ts';
import { chipLayersOf } from '../../../src/conversion/akida1/layers.ts';
import type { Akida1Section } from '../../../src/model/bundle/akida1-section.ts';
import { elementCount, type IntegerGraph } from '../../../src/model/graph.ts';
import type { Engine } from '../../../src/runtime/engine/contract.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { differingFields, type LayerGeometry } from './geometry.ts';
import { type Block, type ConfiguredLayer, configuredLayers } from './tracks.ts';

/** Integers on the card that are not the bundle's, by layer. */
export interface ReadBack {
  readonly name: string;
  readonly weights: number;
  readonly thresholds: number;
  readonly steps: number;
  /** Sizes, stride, pool and bits; of the layer that reads the image none is known. */
  readonly geometry: number;
}

function differing(found: ArrayLike<number>, expected: ArrayLike<number>): number {
  if (found.length !== expected.length) return Math.max(found.length, expected.length);
  let count = 0;
  for (let i = 0; i < found.length; i++) if (found[i] !== expected[i]) count++;
  return count;
}

/** Layers in their order; one that is missing differs in everything. */
export function compare(
  layers: readonly ConfiguredLayer[],
  graph: IntegerGraph,
  { layers: activations }: Akida1Section,
): ReadBack[] {
  const convolutions = graph.nodes.filter(({ op }) => op === 'convolution');
  return convolutions.map((node, i) => {
    const layer = layers[i] ?? { weights: [], thresholds: [], steps: [], geometry: null };
    const activation = activations.find(({ name }) => name === node.name);
    return {
      name: node.name,
      weights: differing(layer.weights, 'weights' in node ? node.weights : []),
      thresholds: differing(layer.thresholds, activation?.thresholds ?? []),
      steps: differing(layer.steps, activation?.steps ?? []),
      geometry: layer.geometry === null ? 0 : differingFields(layer.geometry, geometryIn(graph, i)),
    };
  });
}

/** Of a layer of the chip, by its place. */
function geometryIn(graph: IntegerGraph, at: number): LayerGeometry {
  const { node, pool, input } = chipLayersOf(graph)[at];
  if (node.op !== 'convolution') throw new RangeError(`${node.name} is no convolution`);
  const [outputHeight, outputWidth] = (pool ?? node).output.shape;
  const bits = (largest: number) => Math.log2(levelsFor(largest) + 1);
  return {
    inputHeight: input.shape[0],
    inputWidth: input.shape[1],
    inputBits: bits(input.maximum),
    kernel: node.kernel[0],
    stride: node.stride[0],
    pool: pool?.kernel[0] ?? 1,
    ...{ outputHeight, outputWidth, outputBits: bits(node.clamp.maximum) },
  };
}

/** The same graph with the card's weights. Its thresholds are the bundle's requantisations, or it is not computed at all. */
function withWeights(graph: IntegerGraph, layers: readonly ConfiguredLayer[]): IntegerGraph {
  let next = 0;
  const nodes = graph.nodes.map((node) =>
    node.op === 'convolution' ? { ...node, weights: layers[next++].weights } : node,
  );
  return { ...graph, nodes };
}

export class CardComputer {
  readonly #graph: IntegerGraph;
  readonly #program: Akida1Section;
  #blocks: readonly Block[] | null = null;
  #engine: Engine | null = null;
  /** Of the program that computed last; null before any. */
  readBack: readonly ReadBack[] | null = null;

  constructor(graph: IntegerGraph, program: Akida1Section) {
    this.#graph = graph;
    this.#program = program;
  }

  async embedding(image: Uint8Array, blocks: readonly Block[]): Promise<Uint8Array> {
    if (image.length !== elementCount(this.#graph.input.shape))
      throw new RangeError(`An image of ${image.length} bytes`);
    if (blocks !== this.#blocks || this.#engine === null) this.#engine = await this.#configure(blocks);
    return (await this.#engine.infer(image)).embeddings;
  }

  async #configure(blocks: readonly Block[]): Promise<Engine> {
    const layers = configuredLayers(blocks);
    this.readBack = compare(layers, this.#graph, this.#program);
    const wrong = this.readBack.find(({ thresholds, steps }) => thresholds + steps > 0);
    if (wrong !== undefined) throw new RangeError(`Thresholds of ${wrong.name} that are not the bundle's`);
    this.#blocks = blocks;
    await this.#engine?.close();
    return createCpuEngine(withWeights(this.#graph, layers));
  }
}
