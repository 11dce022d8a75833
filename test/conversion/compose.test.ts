import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { linearChains, partitions } from '../../src/conversion/compose/chain.ts';
import { composeAndFold } from '../../src/conversion/compose/choose.ts';
import { composed, isComposable } from '../../src/conversion/compose/pair.ts';
import { evaluate, evaluateNode } from '../../src/conversion/float/evaluate.ts';
import { type FloatConvolution, NO_PADDING } from '../../src/conversion/float/graph.ts';
import { importOnnx } from '../../src/conversion/onnx/import.ts';
import { int, ints, OnnxBuilder } from '../support/onnx.ts';
import { Random } from '../support/random.ts';

const SIDE = 6;

interface Layer {
  readonly kernel: 1 | 3;
  readonly stride: 1 | 2;
  readonly pad: 0 | 1;
  readonly depthwise: boolean;
  readonly bias: boolean;
}

const layer: fc.Arbitrary<Layer> = fc.record({
  kernel: fc.constantFrom(1, 3),
  stride: fc.constantFrom(1, 2),
  pad: fc.constantFrom(0, 1),
  depthwise: fc.boolean(),
  bias: fc.boolean(),
});

function convolution(
  { kernel, stride, pad, depthwise, bias }: Layer,
  side: number,
  inputs: number,
  random: Random,
): FloatConvolution {
  const groups = depthwise ? inputs : 1;
  const outputs = depthwise ? inputs : 4;
  const extent = Math.floor((side + 2 * pad - kernel) / stride) + 1;
  const values = (length: number) => Float64Array.from({ length }, () => random.next() * 2 - 1);
  return {
    op: 'convolution',
    name: 'layer',
    shape: [extent, extent, outputs],
    sources: [],
    rewrites: [],
    input: 'input',
    kernel: [kernel, kernel],
    stride: [stride, stride],
    padding: { top: pad, left: pad, bottom: pad, right: pad },
    groups,
    paddingValues: null,
    weights: values((outputs * kernel * kernel * inputs) / groups),
    bias: bias ? values(outputs) : new Float64Array(outputs),
    clamp: null,
  };
}

describe('two convolutions as one', () => {
  it('compute the same wherever the rule says that they compose, borders included', () => {
    let composable = 0;
    fc.assert(
      fc.property(layer, layer, fc.integer(), (a, b, seed) => {
        const random = new Random(seed);
        const first = convolution(a, SIDE, 3, random);
        if (first.shape[0] + 2 * b.pad < b.kernel) return;
        const second = convolution(b, first.shape[0], first.shape[2], random);
        if (!isComposable(first, second)) return;
        composable++;
        const image = Float32Array.from({ length: SIDE * SIDE * 3 }, () => random.next());
        const between = evaluateNode(first, [image], [[SIDE, SIDE, 3]]);
        const expected = evaluateNode(second, [between], [first.shape]);
        const single = evaluateNode(composed(first, second, 3), [image], [[SIDE, SIDE, 3]]);
        expect(single.length).toBe(expected.length);
        expected.forEach((value, i) => {
          expect(single[i]).toBeCloseTo(value, 4);
        });
      }),
      { numRuns: 600, seed: 11 },
    );
    expect(composable).toBeGreaterThan(100);
  });

  it('do not compose where the border would differ', () => {
    const random = new Random(1);
    const biased = convolution(
      { kernel: 1, stride: 1, pad: 0, depthwise: false, bias: true },
      SIDE,
      3,
      random,
    );
    const padded = convolution(
      { kernel: 3, stride: 1, pad: 1, depthwise: false, bias: false },
      SIDE,
      4,
      random,
    );
    expect(isComposable(biased, padded)).toBe(false);
    expect(isComposable({ ...biased, bias: new Float64Array(4) }, padded)).toBe(true);
    expect(isComposable(biased, { ...padded, padding: NO_PADDING })).toBe(true);
    expect(
      isComposable({ ...biased, clamp: { minimum: 0, maximum: 6 } }, { ...padded, padding: NO_PADDING }),
    ).toBe(false);
  });

  it('all ways to cut a chain are tried', () => {
    expect(partitions(3)).toEqual([[1, 1, 1], [1, 2], [2, 1], [3]]);
  });
});

describe('a ghost module', () => {
  /** pw → dw 3×3 → pw beside pw, concatenated, batch norm, ReLU6. */
  async function ghost(inputs: number, half: number) {
    const b = new OnnxBuilder({ image: ['n', 3, 16, 16] });
    const x = inputs === 3 ? 'image' : b.node('Relu', [b.convolution('image', inputs, 3)]);
    const a = b.node('Conv', [x, b.weights([half, inputs, 1, 1])]);
    const d = b.node('Conv', [a, b.weights([half, 1, 3, 3])], { pads: ints(1, 1, 1, 1), group: int(half) });
    const c = b.node('Conv', [d, b.weights([half, half, 1, 1])]);
    const joined = b.batchNormalization(b.node('Concat', [a, c], { axis: int(1) }), 2 * half);
    const clipped = b.node('Clip', [joined, b.weights([], [0]), b.weights([], [6])]);
    b.output(b.node('GlobalAveragePool', [clipped]));
    return (await importOnnx(await b.encode(), 'ghost.onnx')).graph;
  }

  it('on three channels is one dense 3×3 convolution, because that is cheapest', async () => {
    const folded = composeAndFold(await ghost(3, 8), 'auto');
    expect(folded.nodes.map(({ op }) => op)).toEqual(['convolution', 'averagePool']);
    expect(folded.nodes[0]).toMatchObject({
      op: 'convolution',
      kernel: [3, 3],
      groups: 1,
      clamp: { minimum: 0, maximum: 6 },
    });
    expect(folded.nodes[0].rewrites).toEqual(
      expect.arrayContaining(['linear chain composed into one convolution', 'parallel convolutions merged']),
    );
  });

  it('on many channels stays in parts unless it is told to be one', async () => {
    const graph = await ghost(64, 64);
    const operatorsOf = (policy: 'auto' | 'compose' | 'keep') =>
      composeAndFold(graph, policy).nodes.map((node) =>
        node.op === 'convolution' ? node.kernel.join('×') : node.op,
      );
    expect(operatorsOf('auto')).toContain('concat');
    expect(operatorsOf('keep')).toEqual(operatorsOf('auto'));
    expect(operatorsOf('compose')).toEqual(['3×3', '3×3', 'averagePool']);
  });

  it('computes the same either way', async () => {
    const graph = await ghost(3, 8);
    const random = new Random(2);
    const image = Float32Array.from({ length: 16 * 16 * 3 }, () => random.next());
    const expected = evaluate(graph, image);
    for (const policy of ['auto', 'compose', 'keep'] as const) {
      const actual = evaluate(composeAndFold(graph, policy), image);
      expect(
        actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i])), 0),
      ).toBeLessThan(1e-5);
    }
  });

  it('is found as a chain of three', async () => {
    const [chain] = linearChains(await ghost(3, 8));
    expect(chain.map(({ kernel }) => kernel.join('×'))).toEqual(['1×1', '3×3', '1×1']);
  });
});
