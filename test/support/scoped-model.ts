/** The tiny model at 16×16 pixels, with a scope that knows what it was made of: for tests of frames out of scope. */
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import {
  type GaussianSection,
  type ScopeSection,
  statisticCount,
} from '../../src/model/bundle/scope-section.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { tinyGraph, tinyModel } from './tiny-model.ts';

export const SIDE = 16;
/** Statistics of an image of this side. */
export const STATISTICS = statisticCount(SIDE);

function graph(): IntegerGraph {
  const tiny = tinyGraph();
  const [convolution, flatten] = tiny.nodes;
  return {
    ...tiny,
    input: { ...tiny.input, shape: [SIDE, SIDE, 3] },
    nodes: [
      { ...convolution, output: { ...convolution.output, shape: [8, 8, 2] } },
      { ...flatten, output: { ...flatten.output, shape: [1, 1, 128] } },
    ],
    head: { ...tiny.head, weights: Int8Array.from({ length: 256 }, (_, i) => ((i * 53) % 200) - 100) },
  };
}

/** Axes along the coordinates. */
export function straight(features: number, rank: number, deviation = 1): GaussianSection {
  return {
    mean: new Float32Array(features),
    axes: Float32Array.from({ length: rank * features }, (_, i) =>
      i % features === Math.floor(i / features) ? 1 : 0,
    ),
    deviations: new Float32Array(rank).fill(deviation),
    restDeviation: rank === features ? null : deviation,
  };
}

/** A scope that refuses nothing and knows everything, unless told otherwise. */
export function tinyScope(change: Partial<ScopeSection> = {}): ScopeSection {
  return {
    version: 1,
    method: 'outlier-exposure',
    statistics: straight(STATISTICS, STATISTICS),
    embedding: straight(2, 1),
    weights: new Float32Array(2 * STATISTICS + 2),
    bias: 0,
    outOfScope: 0,
    unfamiliar: 1e6,
    fittedOn: { images: 200, frames: 1080, validationImages: 200 },
    expected: { outOfScope: 0.005, unfamiliar: 0.02, nothing: 0.98 },
    ...change,
  };
}

export function scopedModel(scope: ScopeSection | null = tinyScope()): ModelContents {
  const tiny = tinyModel();
  const own = graph();
  const input = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, i) => (i * 11) % 256);
  return {
    ...tiny,
    graph: own,
    preprocessing: { ...tiny.preprocessing, width: SIDE, height: SIDE },
    golden: [{ input, potentials: interpret(own, input).potentials }],
    scope: scope ?? undefined,
  };
}
