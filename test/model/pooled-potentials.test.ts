/** What sums over the places of an embedding say of potentials, held to the interpreter. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { pooled } from '../../src/model/embedding.ts';
import { embeddingDigest } from '../../src/model/embedding-digest.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { movedPotentials, pooledPotentials } from '../../src/model/pooled-potentials.ts';
import { tinyModel } from '../support/tiny-model.ts';

const { graph } = tinyModel();
const images = fc.uint8Array({ minLength: 48, maxLength: 48 });
const weight = fc.integer({ min: -60, max: 60 });
const CHANNELS = 2;
const PLACES = 4;

const withHead = (change: Partial<IntegerGraph['head']>, classes = graph.classes): IntegerGraph => ({
  ...{ ...graph, classes },
  head: { ...graph.head, ...change },
});
const read = (of: IntegerGraph, image: Uint8Array) => {
  const { potentials, embedding } = interpret(of, image);
  return { potentials, pooled: pooled(embedding, CHANNELS) };
};

describe('potentials from sums over places', () => {
  it('lie within their bounds, and are these where a head weighs all places of a channel alike', () => {
    fc.assert(
      fc.property(images, fc.array(weight, { minLength: 4, maxLength: 4 }), (image, weights) => {
        const seen = read(graph, image);
        pooledPotentials(graph)(seen.pooled).forEach(({ least, most, even }, c) => {
          expect(seen.potentials[c]).toBeGreaterThanOrEqual(least);
          expect(seen.potentials[c]).toBeLessThanOrEqual(most);
          expect(even).toBeGreaterThanOrEqual(least);
          expect(even).toBeLessThanOrEqual(most);
        });
        const even = withHead({ weights: alike(weights) });
        const exact = read(even, image);
        const bounds = pooledPotentials(even)(exact.pooled);
        expect(bounds.map(({ even: value }) => value)).toEqual([...exact.potentials]);
        expect(bounds.map(({ least, most }) => most - least)).toEqual([0, 0]);
      }),
      { numRuns: 200 },
    );
  });

  it('move exactly to a head whose difference weighs all places of a channel alike, new classes too', () => {
    fc.assert(
      fc.property(
        images,
        fc.array(weight, { minLength: 6, maxLength: 6 }),
        fc.array(fc.integer({ min: -900, max: 900 }), { minLength: 3, maxLength: 3 }),
        (image, added, bias) => {
          const change = alike(added);
          // In another order, and between them a class that the head before did not have.
          const [benign, malign] = [graph.head.weights.subarray(0, 8), graph.head.weights.subarray(8)];
          const base = Int8Array.of(...malign, ...new Int8Array(8), ...benign);
          const weights = base.map((value, i) => Math.max(-128, Math.min(127, value + change[i])));
          fc.pre(weights.every((value, i) => value === base[i] + change[i]));
          const to = withHead({ weights, bias: Int32Array.from(bias) }, ['malign', 'new', 'benign']);
          const moved = movedPotentials(graph, to);
          const { potentials, pooled: sums } = read(graph, image);
          expect(moved?.(potentials, sums)).toEqual(read(to, image).potentials);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('do not move where the places count differently', () => {
    const weights = graph.head.weights.slice();
    weights[0]++;
    expect(movedPotentials(graph, withHead({ weights }))).toBeNull();
  });
});

/** [class][place][channel], the same for each place. */
function alike(byClass: readonly number[]): Int8Array {
  return Int8Array.from({ length: (byClass.length / CHANNELS) * PLACES * CHANNELS }, (_, i) => {
    const c = Math.floor(i / (PLACES * CHANNELS));
    return byClass[c * CHANNELS + (i % CHANNELS)];
  });
}

describe('the digest of an embedding', () => {
  const model = tinyModel();
  const [convolution, flatten] = model.graph.nodes;
  if (convolution.op !== 'convolution' || flatten.op !== 'flatten') throw new Error('another tiny model');
  const of = (nodes: IntegerGraph['nodes'], input = 'embedding') =>
    embeddingDigest({ ...model, graph: { ...model.graph, nodes, head: { ...model.graph.head, input } } });
  const own = embeddingDigest(model);

  it('is the same for another head, other thresholds, and other names', () => {
    expect(embeddingDigest({ ...model, graph: withHead({ bias: Int32Array.of(1, 2) }) })).toBe(own);
    const renamed = [
      { ...convolution, name: 'c', sources: ['other'], weightScales: Float64Array.of(3, 4) },
      { ...flatten, name: 'e', input: 'c' },
    ];
    expect(of(renamed, 'e')).toBe(own);
    const quality = { ...model.preprocessing.quality, minimumFocus: 9 };
    expect(embeddingDigest({ ...model, preprocessing: { ...model.preprocessing, quality } })).toBe(own);
  });

  it('is another for any other integer, another crop, and other light', () => {
    const { requantisation, paddingValues, clamp } = convolution;
    const others = [
      of([{ ...convolution, bias: Int32Array.of(501, -700) }, flatten]),
      of([{ ...convolution, paddingValues: paddingValues.map(() => 1) }, flatten]),
      of([{ ...convolution, clamp: { ...clamp, minimum: 4 } }, flatten]),
      of([{ ...convolution, stride: [1, 2] }, flatten]),
      of([{ ...convolution, requantisation: { ...requantisation, shift: Uint8Array.of(4, 4) } }, flatten]),
      of([convolution, flatten], 'convolution'),
      embeddingDigest({
        ...model,
        preprocessing: { ...model.preprocessing, crop: { ...model.preprocessing.crop, enabled: true } },
      }),
      embeddingDigest({
        ...model,
        light: {
          ...{ version: 1, mean: [0, 0], precision: [1, 0, 1], limit: 1 },
          fittedOn: { images: 1, within: 1 },
        },
      }),
    ];
    expect(new Set([own, ...others]).size).toBe(others.length + 1);
  });
});
