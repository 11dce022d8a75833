import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BINS, Histogram } from '../../src/conversion/calibration/histogram.ts';
import { bestQuantisation, quantisationOf } from '../../src/conversion/calibration/ranges.ts';
import { convolve } from '../../src/conversion/float/convolve.ts';
import type { FloatConvolution } from '../../src/conversion/float/graph.ts';
import { correctedBias } from '../../src/conversion/quantise/bias-correction.ts';
import {
  fitScales,
  quantiseClamp,
  quantiseValue,
  quantiseWeights,
  weightScales,
} from '../../src/conversion/quantise/layer.ts';
import { factorOf } from '../../src/model/requantise.ts';

const bound = fc.double({ min: 1e-3, max: 1e3, noNaN: true });

describe('affine 8-bit quantisation (equation 14)', () => {
  it('represents zero exactly and every value of its range within half a step', () => {
    fc.assert(
      fc.property(bound, bound, fc.double({ min: 0, max: 1, noNaN: true }), (below, above, share) => {
        const quantisation = quantisationOf(-below, above);
        const { scale, zeroPoint } = quantisation;
        expect(Number.isInteger(zeroPoint) && zeroPoint >= 0 && zeroPoint <= 255).toBe(true);
        expect(quantiseValue(0, quantisation)).toBe(zeroPoint);
        // One side may lose the half step by which the zero point was rounded.
        const value = -below + share * (below + above);
        const real = (quantiseValue(value, quantisation) - zeroPoint) * scale;
        expect(Math.abs(real - value)).toBeLessThanOrEqual(scale * (0.5 + 1e-9));
      }),
    );
  });

  it('spends no level on the negative side of a tensor that has none', () => {
    expect(quantisationOf(0, 6)).toEqual({ scale: 6 / 255, zeroPoint: 0 });
  });

  it('bounds become quantised values, infinite ones the ends of the range', () => {
    const quantisation = { scale: 0.1, zeroPoint: 50 };
    expect(quantiseClamp({ minimum: 0, maximum: 6 }, quantisation)).toEqual({ minimum: 50, maximum: 110 });
    expect(
      quantiseClamp({ minimum: Number.NEGATIVE_INFINITY, maximum: Number.POSITIVE_INFINITY }, quantisation),
    ).toEqual({
      minimum: 0,
      maximum: 255,
    });
    expect(quantiseClamp(null, quantisation)).toEqual({ minimum: 0, maximum: 255 });
  });
});

describe('the range of a tensor', () => {
  const histogramOf = (values: number[]) => {
    const histogram = new Histogram(Math.min(...values), Math.max(...values));
    histogram.add(Float32Array.from(values));
    return histogram;
  };

  it('is what was seen, where values fill it evenly', () => {
    const values = Array.from({ length: 4096 }, (_, i) => (i / 4095) * 8 - 2);
    const { scale, zeroPoint } = bestQuantisation(histogramOf(values));
    expect(-zeroPoint * scale).toBeCloseTo(-2, 1);
    expect((255 - zeroPoint) * scale).toBeCloseTo(6, 1);
  });

  it('leaves out a lone value far from billions of others', () => {
    const histogram = new Histogram(0, 3);
    histogram.counts.fill(1e7, 0, BINS / 3);
    histogram.add(Float32Array.of(3));
    const { scale } = bestQuantisation(histogram);
    expect(scale * 255).toBeLessThan(2);
    expect(scale * 255).toBeGreaterThanOrEqual(0.99);
  });

  it('of a sigmoid’s input ends where the sigmoid is flat', () => {
    const values = Array.from({ length: 4096 }, (_, i) => (i / 4095) * 80 - 40);
    const sigmoid = (value: number) => 1 / (1 + Math.exp(-value));
    const { scale } = bestQuantisation(histogramOf(values), sigmoid);
    expect(scale * 255).toBeLessThan(40);
  });

  it('of a tensor that is always zero is still a range', () => {
    const { scale } = bestQuantisation(new Histogram(0, 0));
    expect(scale).toBeGreaterThan(0);
  });
});

describe('weights', () => {
  const input = { scale: 0.02, zeroPoint: 0 };
  const output = { scale: 0.05, zeroPoint: 0 };
  const weights = Float64Array.from({ length: 40 }, (_, i) => Math.sin(i * 1.3) * (i < 20 ? 1 : 0.05));
  const bias = Float64Array.of(0.3, -0.2);

  it('per tensor share one scale, per channel each output has its own', () => {
    const perTensor = weightScales(weights, bias, 'per-tensor', input, output);
    const perChannel = weightScales(weights, bias, 'per-channel', input, output);
    expect(perTensor[0]).toBe(perTensor[1]);
    expect(perChannel[1]).toBeLessThan(perChannel[0] / 10);
    expect(perTensor[0]).toBe(perChannel[0]);
  });

  it('take scales for which the fixed-point factor is exact, at most 2^−11 away', () => {
    fc.assert(
      fc.property(fc.double({ min: 1e-6, max: 2, noNaN: true }), (scale) => {
        const wanted = Float64Array.of(scale);
        const { scales, requantisation } = fitScales(wanted, input, output);
        const form = { multiplier: requantisation.multiplier[0], shift: requantisation.shift[0] };
        expect((scales[0] * input.scale) / output.scale).toBeCloseTo(factorOf(form), 12);
        expect(Math.abs(scales[0] / scale - 1)).toBeLessThanOrEqual(2 ** -11);
      }),
    );
  });

  it('stay within ±127, never −128', () => {
    const quantised = quantiseWeights(Float64Array.of(-1, 1, 0.5), Float64Array.of(1 / 128));
    expect(Array.from(quantised)).toEqual([-127, 127, 64]);
  });

  it('of an output without any give a factor that still exists', () => {
    const scales = weightScales(new Float64Array(4), Float64Array.of(2), 'per-channel', input, output);
    const { requantisation } = fitScales(scales, input, output);
    expect(requantisation.multiplier[0]).toBeGreaterThanOrEqual(512);
    expect(Math.abs(2 / (scales[0] * input.scale))).toBeLessThanOrEqual(2 ** 28);
  });
});

describe('bias correction', () => {
  it('restores the mean of every output exactly on images that have the calibration mean', () => {
    const layer: FloatConvolution = {
      op: 'convolution',
      name: 'layer',
      shape: [5, 4, 2],
      sources: [],
      rewrites: [],
      input: 'input',
      kernel: [3, 3],
      stride: [1, 2],
      padding: { top: 1, left: 1, bottom: 1, right: 1 },
      groups: 1,
      paddingValues: null,
      weights: Float64Array.from({ length: 54 }, (_, i) => Math.cos(i)),
      bias: Float64Array.of(0.1, -0.4),
      clamp: null,
    };
    const means = Float64Array.of(0.2, 0.5, 0.8);
    const image = Float32Array.from({ length: 5 * 8 * 3 }, (_, i) => means[i % 3]);
    const realised = layer.weights.map((weight) => Math.round(weight * 4) / 4);
    const corrected = { ...layer, weights: realised, bias: correctedBias(layer, realised, means, [5, 8, 3]) };
    const meanOf = ({ weights, bias }: FloatConvolution, output: number) => {
      const sums = convolve(
        { ...layer, weights, bias, inputShape: [5, 8, 3], outputShape: layer.shape, outside: null },
        image,
      );
      return sums.filter((_, i) => i % 2 === output).reduce((sum, value) => sum + value, 0) / 20;
    };
    for (const output of [0, 1]) {
      expect(
        Math.abs(meanOf({ ...layer, weights: realised }, output) - meanOf(layer, output)),
      ).toBeGreaterThan(1e-3);
      expect(meanOf(corrected, output)).toBeCloseTo(meanOf(layer, output), 6);
    }
  });
});
