import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { saliencyMapper } from '../../src/preprocess/saliency.ts';

const ROWS = 3;
const COLUMNS = 2;
const CHANNELS = 5;
const PLACES = ROWS * COLUMNS;

/** feature × gate → flatten → dense, of which only what the map depends on is filled in. */
function gatedGraph(weights: Int8Array, zeroPoint: number, flattened = true): IntegerGraph {
  const quantisation = { scale: 0.1, zeroPoint };
  const shape = [ROWS, COLUMNS, CHANNELS] as const;
  const requantisation = { multiplier: Int16Array.of(1024), shift: Uint8Array.of(0) };
  return {
    input: { shape, quantisation },
    classes: ['a', 'b'],
    nodes: [
      {
        op: 'multiply',
        name: 'gated',
        sources: [],
        input: 'input',
        gate: 'input',
        requantisation,
        clamp: { minimum: 0, maximum: 255 },
        output: { shape, quantisation },
      },
      {
        op: 'flatten',
        name: 'embedding',
        sources: [],
        input: 'gated',
        output: { shape: [1, 1, PLACES * CHANNELS], quantisation },
      },
    ],
    head: {
      input: flattened ? 'embedding' : 'gated',
      sources: [],
      weights,
      bias: new Int32Array(2),
      scale: 1,
    },
  };
}

const weightValues = fc.int8Array({ minLength: 2 * PLACES * CHANNELS, maxLength: 2 * PLACES * CHANNELS });
const featureValues = fc.array(fc.integer({ min: 0, max: 40 }), {
  minLength: PLACES * CHANNELS,
  maxLength: PLACES * CHANNELS,
});
const gateValues = fc.array(fc.integer({ min: 0, max: 6 }), { minLength: CHANNELS, maxLength: CHANNELS });

/** Grad-CAM by its definition: the gradient by finite differences of the class's potential, the gate held constant. */
function gradCam(
  weights: Int8Array,
  classIndex: number,
  features: readonly number[],
  gates: readonly number[],
) {
  const potential = (values: readonly number[]) =>
    values.reduce(
      (sum, value, i) => sum + weights[classIndex * PLACES * CHANNELS + i] * value * gates[i % CHANNELS],
      0,
    );
  const base = potential(features);
  const importance = Array.from({ length: CHANNELS }, (_, k) => {
    let sum = 0;
    for (let place = 0; place < PLACES; place++) {
      sum += potential(features.with(place * CHANNELS + k, features[place * CHANNELS + k] + 1)) - base;
    }
    return sum;
  });
  return Array.from({ length: PLACES }, (_, place) =>
    Math.max(
      0,
      importance.reduce((sum, alpha, k) => sum + alpha * features[place * CHANNELS + k], 0),
    ),
  );
}

describe('the saliency map', () => {
  it.each([true, false])('is Grad-CAM, from the gated embedding alone (flattened: %s)', (flattened) => {
    fc.assert(
      fc.property(
        weightValues,
        featureValues,
        gateValues,
        fc.constantFrom(0, 1),
        (weights, features, gates, c) => {
          const zeroPoint = 9;
          const embedding = Uint8Array.from(
            features,
            (feature, i) => feature * gates[i % CHANNELS] + zeroPoint,
          );
          const map = saliencyMapper(gatedGraph(weights, zeroPoint, flattened))?.(embedding, c);
          expect(map).toMatchObject({ rows: ROWS, columns: COLUMNS });
          expect([...(map?.values ?? [])]).toEqual(gradCam(weights, c, features, gates));
        },
      ),
    );
  });

  it('is made of exact integers', () => {
    const map = saliencyMapper(gatedGraph(new Int8Array(60).fill(127), 0));
    const { values } = map?.(new Uint8Array(30).fill(255), 1) ?? {};
    expect(values?.every((value) => value === PLACES * 127 * 255 * CHANNELS)).toBe(true);
  });

  it('does not exist where the embedding has no places', () => {
    const graph = gatedGraph(new Int8Array(2 * CHANNELS), 0);
    const pooled = { shape: [1, 1, CHANNELS], quantisation: graph.input.quantisation } as const;
    expect(
      saliencyMapper({
        ...graph,
        nodes: [
          { ...graph.nodes[0], output: pooled },
          { ...graph.nodes[1], output: pooled },
        ],
      }),
    ).toBeNull();
  });
});
