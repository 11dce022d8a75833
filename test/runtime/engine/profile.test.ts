import { describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import { multiplyAddsOf } from '../../../src/model/cost.ts';
import { elementCount } from '../../../src/model/graph.ts';
import { nativeAddon } from '../../../src/native/addon.ts';
import { profileLayers } from '../../../src/runtime/engine/profile.ts';
import { instructionSetsOf } from '../../support/differential.ts';
import { qanaShapedGraph, randomGraph, randomInput } from '../../support/graphs.ts';
import { Random } from '../../support/random.ts';

const graph = qanaShapedGraph(1);
const input = randomInput(graph, new Random(2));

describe('a profile', () => {
  it.each(instructionSetsOf(nativeAddon()))(
    'counts every multiply-add of the graph once (%s)',
    async (instructionSet) => {
      for (const each of [graph, ...Array.from({ length: 40 }, (_, seed) => randomGraph(seed))]) {
        const layers = await profileLayers(each, randomInput(each, new Random(3)), {
          instructionSet,
          rounds: 3,
        });
        const expected = each.nodes.reduce(
          (sum, node) => sum + multiplyAddsOf(node),
          each.head.weights.length,
        );
        expect(layers.reduce((sum, { multiplyAdds }) => sum + multiplyAdds, 0)).toBe(expected);
        expect(layers.at(-1)?.nodes).toEqual(['head']);
        const names = layers.flatMap(({ nodes }) => nodes);
        expect(new Set(names).size).toBe(names.length);
        for (const { nanoseconds } of layers) expect(nanoseconds).toBeGreaterThanOrEqual(0);
      }
    },
  );

  it('refuses an input that is not one image, and rounds out of range', async () => {
    const codeOf = (promise: Promise<unknown>) =>
      promise.then(
        () => 'none',
        (error: unknown) => (error instanceof SpikescopeError ? error.code : String(error)),
      );
    expect(await codeOf(profileLayers(graph, new Uint8Array(2 * elementCount(graph.input.shape))))).toBe(
      'INPUT_SIZE',
    );
    for (const rounds of [0, 1.5, 10_001, Number.NaN]) {
      expect(await codeOf(profileLayers(graph, input, { rounds })), `${rounds}`).toBe('ARGUMENT');
    }
  });
});
