/**
 * The interpreter judges every engine; here it is judged itself: each operator against real arithmetic on the
 * dequantised values, within the rounding that the definition allows.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { elementCount, type Quantisation, type Shape } from '../../src/model/graph.ts';
import { convolution, dense } from '../../src/model/interpreter/convolution.ts';
import { add, concat, multiply, pad, table } from '../../src/model/interpreter/elementwise.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { averagePool, maxPool } from '../../src/model/interpreter/pool.ts';
import { factorOf, fixedPointFor } from '../../src/model/requantise.ts';
import { tinyGraph, tinyModel } from '../support/tiny-model.ts';

const identity = { name: 'node', sources: [] };
const full = { minimum: 0, maximum: 255 };
const byte = fc.integer({ min: 0, max: 255 });
const shape: fc.Arbitrary<Shape> = fc.tuple(
  fc.integer({ min: 1, max: 6 }),
  fc.integer({ min: 1, max: 6 }),
  fc.integer({ min: 1, max: 4 }),
);
const quantisation: fc.Arbitrary<Quantisation> = fc.record({
  scale: fc.double({ min: 1e-3, max: 10, noNaN: true }),
  zeroPoint: byte,
});
const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length });
const weights = (length: number) =>
  fc.int8Array({ min: -127, max: 127, minLength: length, maxLength: length });

function real(q: number, { scale, zeroPoint }: Quantisation): number {
  return scale * (q - zeroPoint);
}

/** The quantised result must stand for the real value within `steps` of its own scale, after clipping to its range. */
function expectReal(q: number, value: number, target: Quantisation, steps = 0.75): void {
  const clipped = Math.min(255, Math.max(0, value / target.scale + target.zeroPoint));
  expect(Math.abs(q - clipped)).toBeLessThanOrEqual(steps);
}

describe('convolution', () => {
  it('is the sum over window and group of padded input times weight', () => {
    const scenario = fc
      .record({
        size: fc.tuple(fc.integer({ min: 3, max: 7 }), fc.integer({ min: 3, max: 7 })),
        groups: fc.integer({ min: 1, max: 3 }),
        inputs: fc.integer({ min: 1, max: 3 }),
        outputs: fc.integer({ min: 1, max: 3 }),
        kernel: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
        stride: fc.tuple(fc.integer({ min: 1, max: 3 }), fc.integer({ min: 1, max: 3 })),
        margins: fc.tuple(fc.nat(2), fc.nat(2), fc.nat(2), fc.nat(2)),
        source: quantisation,
        zeroPoint: byte,
        factor: fc.double({ min: 1e-4, max: 0.03, noNaN: true }),
      })
      .chain((s) =>
        fc.record({
          s: fc.constant(s),
          input: bytes(s.size[0] * s.size[1] * s.groups * s.inputs),
          paddingValues: bytes(s.groups * s.inputs),
          weights: weights(s.groups * s.outputs * s.kernel[0] * s.kernel[1] * s.inputs),
          bias: fc.array(fc.integer({ min: -5000, max: 5000 }), {
            minLength: s.groups * s.outputs,
            maxLength: s.groups * s.outputs,
          }),
        }),
      );
    fc.assert(
      fc.property(scenario, ({ s, input, paddingValues, weights, bias }) => {
        const [top, left, bottom, right] = s.margins;
        const [height, width] = s.size;
        const channels = s.groups * s.outputs;
        const fixed = fixedPointFor(s.factor);
        const output: Shape = [
          Math.floor((height + top + bottom - s.kernel[0]) / s.stride[0]) + 1,
          Math.floor((width + left + right - s.kernel[1]) / s.stride[1]) + 1,
          channels,
        ];
        const result = convolution(
          {
            ...identity,
            op: 'convolution',
            input: 'input',
            kernel: s.kernel,
            stride: s.stride,
            padding: { top, left, bottom, right },
            groups: s.groups,
            paddingValues,
            weights,
            weightScales: new Float64Array(channels).fill(1),
            bias: Int32Array.from(bias),
            requantisation: {
              multiplier: new Int16Array(channels).fill(fixed.multiplier),
              shift: new Uint8Array(channels).fill(fixed.shift),
            },
            clamp: full,
            output: { shape: output, quantisation: { scale: 1, zeroPoint: s.zeroPoint } },
          },
          input,
          [height, width, s.groups * s.inputs],
          s.source.zeroPoint,
        );
        const inputChannels = s.groups * s.inputs;
        // The padded image as a function, then the textbook sum.
        const at = (y: number, x: number, c: number) =>
          y >= top && y < top + height && x >= left && x < left + width
            ? input[((y - top) * width + (x - left)) * inputChannels + c]
            : paddingValues[c];
        for (let i = 0; i < result.length; i++) {
          const o = i % channels;
          const x = Math.floor(i / channels) % output[1];
          const y = Math.floor(i / channels / output[1]);
          const group = Math.floor(o / s.outputs);
          let sum = bias[o];
          for (let ky = 0; ky < s.kernel[0]; ky++)
            for (let kx = 0; kx < s.kernel[1]; kx++)
              for (let c = 0; c < s.inputs; c++)
                sum +=
                  (at(y * s.stride[0] + ky, x * s.stride[1] + kx, group * s.inputs + c) -
                    s.source.zeroPoint) *
                  weights[((o * s.kernel[0] + ky) * s.kernel[1] + kx) * s.inputs + c];
          expectReal(result[i], sum * factorOf(fixed), { scale: 1, zeroPoint: s.zeroPoint });
        }
      }),
      { numRuns: 200 },
    );
  });

  it('agrees with a dense layer when the window is the whole image', () => {
    fc.assert(
      fc.property(bytes(2 * 3 * 2), weights(3 * 12), byte, (input, w, zeroPoint) => {
        const common = {
          ...identity,
          input: 'input',
          weights: w,
          weightScales: Float64Array.of(1, 1, 1),
          bias: Int32Array.of(-40, 0, 77),
          requantisation: { multiplier: Int16Array.of(1024, 1900, 2047), shift: Uint8Array.of(2, 3, 5) },
          clamp: { minimum: 5, maximum: 240 },
          output: { shape: [1, 1, 3] as const, quantisation: { scale: 1, zeroPoint: 90 } },
        };
        const asConvolution = convolution(
          {
            ...common,
            op: 'convolution',
            kernel: [2, 3],
            stride: [1, 1],
            padding: { top: 0, left: 0, bottom: 0, right: 0 },
            groups: 1,
            paddingValues: Uint8Array.of(0, 0),
          },
          input,
          [2, 3, 2],
          zeroPoint,
        );
        expect(asConvolution).toEqual(dense({ ...common, op: 'dense' }, input, zeroPoint));
      }),
    );
  });
});

describe('element-wise operators', () => {
  it('add real values after scale alignment', () => {
    const scenario = shape.chain((extent) =>
      fc.record({
        extent: fc.constant(extent),
        a: bytes(elementCount(extent)),
        b: bytes(elementCount(extent)),
        za: byte,
        zb: byte,
        zo: byte,
        ma: fc.integer({ min: 1, max: 32767 }),
        mb: fc.integer({ min: 1, max: 32767 }),
        shift: fc.integer({ min: 8, max: 20 }),
      }),
    );
    fc.assert(
      fc.property(scenario, ({ extent, a, b, za, zb, zo, ma, mb, shift }) => {
        const target = { scale: 1, zeroPoint: zo };
        const result = add(
          {
            ...identity,
            op: 'add',
            inputs: ['a', 'b'],
            multipliers: Int16Array.of(ma, mb),
            shift,
            clamp: full,
            output: { shape: extent, quantisation: target },
          },
          [a, b],
          [za, zb],
        );
        for (const [i, q] of result.entries()) {
          expectReal(q, ((a[i] - za) * ma + (b[i] - zb) * mb) / 2 ** shift, target, 0.5);
        }
      }),
    );
  });

  it('multiply by a gate of the same shape or of one value per channel', () => {
    const scenario = fc
      .tuple(shape, fc.boolean())
      .chain(([extent, perChannel]) =>
        fc.tuple(
          fc.constant(extent),
          bytes(elementCount(extent)),
          bytes(perChannel ? extent[2] : elementCount(extent)),
          quantisation,
          quantisation,
        ),
      );
    fc.assert(
      fc.property(scenario, ([extent, x, g, qx, qg]) => {
        const fixed = fixedPointFor(1 / 255);
        const target = { scale: (qx.scale * qg.scale) / factorOf(fixed), zeroPoint: 120 };
        const gateShape: Shape = g.length === x.length ? extent : [1, 1, extent[2]];
        const result = multiply(
          {
            ...identity,
            op: 'multiply',
            input: 'x',
            gate: 'g',
            requantisation: {
              multiplier: Int16Array.of(fixed.multiplier),
              shift: Uint8Array.of(fixed.shift),
            },
            clamp: full,
            output: { shape: extent, quantisation: target },
          },
          x,
          g,
          { shape: extent, quantisation: qx },
          { shape: gateShape, quantisation: qg },
        );
        result.forEach((q, i) => {
          const gate = g.length === x.length ? g[i] : g[i % extent[2]];
          expectReal(q, real(x[i], qx) * real(gate, qg), target);
        });
      }),
    );
  });

  it('look every value up in a table', () => {
    fc.assert(
      fc.property(bytes(256), bytes(50), (entries, input) => {
        expect([...table(entries, input)]).toEqual([...input].map((q) => entries[q]));
      }),
    );
  });

  it('put channels side by side', () => {
    const node = {
      ...identity,
      op: 'concat' as const,
      inputs: ['a', 'b'],
      output: { shape: [1, 2, 3] as const, quantisation: { scale: 1, zeroPoint: 0 } },
    };
    const result = concat(
      node,
      [Uint8Array.of(1, 2, 3, 4), Uint8Array.of(9, 8)],
      [
        [1, 2, 2],
        [1, 2, 1],
      ],
    );
    expect([...result]).toEqual([1, 2, 9, 3, 4, 8]);
  });

  it('pad with the zero point', () => {
    const node = {
      ...identity,
      op: 'pad' as const,
      input: 'a',
      padding: { top: 1, left: 0, bottom: 0, right: 1 },
      output: { shape: [2, 3, 1] as const, quantisation: { scale: 1, zeroPoint: 7 } },
    };
    expect([...pad(node, Uint8Array.of(1, 2), [1, 2, 1])]).toEqual([7, 7, 7, 1, 2, 7]);
  });
});

describe('pools', () => {
  const window = { kernel: [2, 2] as const, stride: [2, 2] as const };
  const onePadded = { top: 1, left: 1, bottom: 1, right: 1 };

  it('average over the pixels of the window that lie in the image, or over all of it', () => {
    fc.assert(
      fc.property(bytes(16), byte, fc.boolean(), (input, zeroPoint, fixedDivisor) => {
        const divisors = fixedDivisor ? [4] : [1, 2, 3, 4];
        // Half the scale, so that a factor of 1/1 stays below one.
        const fixed = divisors.map((n) => fixedPointFor(0.5 / n));
        const target = { scale: 2, zeroPoint: 60 };
        const result = averagePool(
          {
            ...identity,
            op: 'averagePool',
            input: 'a',
            ...window,
            padding: onePadded,
            requantisation: {
              multiplier: Int16Array.from(fixed, ({ multiplier }) => multiplier),
              shift: Uint8Array.from(fixed, ({ shift }) => shift),
            },
            clamp: full,
            output: { shape: [3, 3, 1], quantisation: target },
          },
          input,
          [4, 4, 1],
          zeroPoint,
        );
        result.forEach((q, i) => {
          const rows = [[0], [1, 2], [3]][Math.floor(i / 3)];
          const columns = [[0], [1, 2], [3]][i % 3];
          const values = rows.flatMap((row) => columns.map((column) => input[row * 4 + column] - zeroPoint));
          const sum = values.reduce((total, value) => total + value, 0);
          expectReal(q, sum / (fixedDivisor ? 4 : values.length), target);
        });
      }),
    );
  });

  it('take the largest value of the window that lies in the image', () => {
    fc.assert(
      fc.property(bytes(16), (input) => {
        const result = maxPool(
          {
            ...identity,
            op: 'maxPool',
            input: 'a',
            ...window,
            padding: onePadded,
            output: { shape: [3, 3, 1], quantisation: { scale: 1, zeroPoint: 0 } },
          },
          input,
          [4, 4, 1],
        );
        expect(result[0]).toBe(input[0]);
        expect(result[4]).toBe(Math.max(input[5], input[6], input[9], input[10]));
        expect(result[8]).toBe(input[15]);
      }),
    );
  });
});

describe('a whole graph', () => {
  it('gives potentials, the embedding and every tensor between', () => {
    const graph = tinyGraph();
    const [{ input, potentials }] = tinyModel().golden;
    const interpretation = interpret(graph, input);
    expect([...interpretation.tensors.keys()]).toEqual(['input', 'convolution', 'embedding']);
    expect(interpretation.embedding).toEqual(interpretation.tensors.get('embedding'));
    expect(interpretation.potentials).toEqual(potentials);
    const sums = [0, 1].map((c) =>
      interpretation.embedding.reduce(
        (sum, q, i) => sum + (q - 3) * graph.head.weights[c * 8 + i],
        graph.head.bias[c],
      ),
    );
    expect([...potentials]).toEqual(sums);
  });

  it('refuses an input of another size', () => {
    expect(() => interpret(tinyGraph(), new Uint8Array(47))).toThrowError(/does not fit/);
  });
});
