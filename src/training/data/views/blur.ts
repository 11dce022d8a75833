import type { Triple } from '../../../colour.ts';

/** Gaussian blur of a square: samples up to three standard deviations away, sum 1; the borders are mirrors. */
export function blurred(colours: readonly Triple[], sigma: number, size: number): Triple[] {
  const weights = gaussianWeights(sigma * size);
  const reach = (weights.length - 1) / 2;
  const along = (values: readonly Triple[], step: 'x' | 'y'): Triple[] =>
    values.map((_, at) => {
      const [x, y] = [at % size, Math.floor(at / size)];
      const sum: [number, number, number] = [0, 0, 0];
      weights.forEach((weight, i) => {
        const place =
          step === 'x' ? y * size + mirrored(x + i - reach, size) : mirrored(y + i - reach, size) * size + x;
        for (let c = 0; c < 3; c++) sum[c] += weight * values[place][c];
      });
      return sum;
    });
  return along(along(colours, 'x'), 'y');
}

/** @param deviation in pixels */
function gaussianWeights(deviation: number): number[] {
  const reach = Math.ceil(3 * deviation);
  const weights = Array.from({ length: 2 * reach + 1 }, (_, i) =>
    Math.exp(-(((i - reach) / deviation) ** 2) / 2),
  );
  const sum = weights.reduce((all, weight) => all + weight, 0);
  return weights.map((weight) => weight / sum);
}

function mirrored(index: number, length: number): number {
  const place = ((index % (2 * length)) + 2 * length) % (2 * length);
  return place < length ? place : 2 * length - 1 - place;
}
