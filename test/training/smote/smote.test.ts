import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { syntheticCounts } from '../../../src/training/smote/counts.ts';
import { localDirections } from '../../../src/training/smote/local-directions.ts';
import { nearestNeighbours, nearestNeighboursBySorting } from '../../../src/training/smote/neighbours.ts';
import { principalComponents } from '../../../src/training/smote/principal-components.ts';
import { principalComponentsByCovariance } from '../../../src/training/smote/principal-components-reference.ts';
import { randomNormal } from '../../../src/training/smote/random-normal.ts';
import { type Rows, row, rowsOf, selectRows } from '../../../src/training/smote/rows.ts';
import { safeAnchors } from '../../../src/training/smote/safe-anchors.ts';
import { type SmoteOptions, smote } from '../../../src/training/smote/smote.ts';
import { synthesise } from '../../../src/training/smote/synthesis.ts';
import { TrainingEmbeddings } from '../../../src/training/smote/training-embeddings.ts';
import { unwhiten } from '../../../src/training/smote/unwhitening.ts';
import { fitWhitening, whiten } from '../../../src/training/smote/whitening.ts';
import { Random } from '../../support/random.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Vectors of which some are equal and many distances tie. */
function vectors(minimum: number, maximum: number, width = 3): fc.Arbitrary<Rows> {
  return fc
    .array(fc.array(fc.integer({ min: -3, max: 3 }), { minLength: width, maxLength: width }), {
      minLength: minimum,
      maxLength: maximum,
    })
    .map((rows) => rowsOf(Float32Array.from(rows.flat()), width));
}

/** A cloud whose spread falls from direction to direction, as that of embeddings does. */
function cloud(count: number, width: number, seed: number): Rows {
  const random = new Random(seed);
  const normal = randomNormal(() => random.next());
  const values = Float32Array.from({ length: count * width }, (_, i) => (normal() * 4) / (1 + (i % width)));
  return rowsOf(values, width);
}

interface Labelled {
  readonly label: number;
  readonly split: string;
  readonly vector: readonly number[];
}

/** Images with embeddings around a centre per class; `sizes` counts the training images of each class. */
function images(sizes: readonly number[], width: number, seed: number): Labelled[] {
  const random = new Random(seed);
  return sizes.flatMap((size, label) =>
    Array.from({ length: size }, () => ({
      label,
      split: 'train',
      vector: Array.from({ length: width }, (_, d) => random.next() + (d === label ? 2 : 0)),
    })),
  );
}

async function embeddingsOf(all: readonly Labelled[], classCount = 3): Promise<TrainingEmbeddings> {
  return TrainingEmbeddings.collect(all, classCount, async (training) =>
    Float32Array.from(training.flatMap(({ vector }) => vector)),
  );
}

const OPTIONS: SmoteOptions = { components: 4, neighbours: 3, ratio: 0.8, epsilon: 0.1, seed: 7 };

describe('what SMOTE may read', () => {
  const width = 5;
  const training = images([20, 6, 4], width, 1);
  const foreign = ['val', 'test', 'elsewhere'].flatMap((split) =>
    images([9, 9, 9], width, 2).map((image) => ({ ...image, split })),
  );

  it('is asked for training images alone, whatever else the data set holds', async () => {
    const asked: Labelled[] = [];
    await TrainingEmbeddings.collect([...foreign, ...training], 3, async (wanted) => {
      asked.push(...wanted);
      return new Float32Array(wanted.length * width);
    });
    expect(asked).toEqual(training);
  });

  it('makes the same vectors whether validation and test exist or not', async () => {
    const alone = await smote(await embeddingsOf(training), OPTIONS);
    const among = await smote(await embeddingsOf([...foreign, ...training, ...foreign]), OPTIONS);
    expect(among).toEqual(alone);
  });

  it('is refused without a training image', async () => {
    await expect(embeddingsOf(foreign)).rejects.toMatchObject({ code: 'SMOTE_NO_TRAINING' });
  });
});

describe('principal components', () => {
  it('equal the eigenvectors of the whole covariance matrix', async () => {
    const rows = cloud(60, 24, 3);
    const { rows: centred } = centre(rows);
    const fast = await principalComponents(centred, 5, 1);
    const slow = principalComponentsByCovariance(centred, 5);
    expect(fast.variances.length).toBe(5);
    fast.variances.forEach((variance, c) => {
      expect(variance / slow.variances[c]).toBeCloseTo(1, 4);
      const cosine = fast.directions.getColumnVector(c).dot(slow.directions.getColumnVector(c));
      expect(Math.abs(cosine)).toBeCloseTo(1, 4);
    });
  });

  it('are orthonormal and as many as the vectors span, however many are asked for', async () => {
    const base = cloud(12, 3, 5);
    // Six columns, of which three repeat the others.
    const repeated = rowsOf(
      Float32Array.from({ length: 72 }, (_, i) => row(base, Math.floor(i / 6))[i % 3]),
      6,
    );
    const { variances, directions } = await principalComponents(centre(repeated).rows, 40, 1);
    expect(variances.length).toBe(3);
    const products = directions.transpose().mmul(directions);
    for (let a = 0; a < 3; a++) {
      for (let b = 0; b < 3; b++) expect(products.get(a, b)).toBeCloseTo(a === b ? 1 : 0, 10);
    }
  });
});

describe('whitening (equation 1) and its inverse (equation 5)', () => {
  it('gives every kept direction mean zero and variance one, uncorrelated', async () => {
    const given = await embeddingsOf(images([40, 30, 20], 6, 11));
    const z = await whiten(await fitWhitening(given, 6, 1), given.rows);
    for (let a = 0; a < z.width; a++) {
      expect(mean(z, (v) => v[a])).toBeCloseTo(0, 4);
      for (let b = 0; b <= a; b++) {
        expect((mean(z, (v) => v[a] * v[b]) * z.count) / (z.count - 1)).toBeCloseTo(a === b ? 1 : 0, 3);
      }
    }
  });

  it('comes back to the embedding when every direction is kept', async () => {
    const given = await embeddingsOf(images([20, 10, 10], 5, 12));
    const whitening = await fitWhitening(given, 99, 1);
    expect(whitening.variances.length).toBe(5);
    const back = await unwhiten(whitening, await whiten(whitening, given.rows));
    back.values.forEach((value, i) => {
      expect(value).toBeCloseTo(given.rows.values[i], 3);
    });
  });

  it('comes back to the nearest point of the kept directions when some are dropped', async () => {
    const given = await embeddingsOf(images([20, 10, 10], 5, 13));
    const whitening = await fitWhitening(given, 2, 1);
    const once = await unwhiten(whitening, await whiten(whitening, given.rows));
    const twice = await unwhiten(whitening, await whiten(whitening, once));
    twice.values.forEach((value, i) => {
      expect(value).toBeCloseTo(once.values[i], 3);
    });
  });

  it('leaves a feature that never varies at its value', async () => {
    const given = await embeddingsOf(
      images([12, 8, 4], 4, 14).map((image) => ({ ...image, vector: [...image.vector, 0.25] })),
    );
    const { rows } = await smote(given, OPTIONS);
    expect(rows.count).toBeGreaterThan(0);
    for (let i = 0; i < rows.count; i++) expect(row(rows, i)[4]).toBeCloseTo(0.25, 6);
  });

  it('is refused where no embedding differs from another', async () => {
    const same = images([6, 3, 2], 4, 1).map((image) => ({ ...image, vector: [1, 2, 3, 4] }));
    await expect(smote(await embeddingsOf(same), OPTIONS)).rejects.toMatchObject({ code: 'SMOTE_FLAT' });
  });
});

describe('nearest neighbours', () => {
  it('are those that sorting all distances finds, ties in the order of the vectors', () => {
    fc.assert(
      fc.property(vectors(1, 25), fc.integer({ min: 1, max: 6 }), (rows, k) => {
        expect(nearestNeighbours(rows, k)).toEqual(nearestNeighboursBySorting(rows, k));
      }),
    );
  });

  it('are found in long vectors too, where a candidate is dropped half-way', () => {
    const rows = cloud(80, 50, 9);
    const [fast, slow] = [nearestNeighbours(rows, 5), nearestNeighboursBySorting(rows, 5)];
    expect(fast.indices).toEqual(slow.indices);
    fast.distances.forEach((distance, i) => {
      expect(distance).toBeCloseTo(slow.distances[i], 10);
    });
  });
});

describe('safe anchors (equation 2)', () => {
  it('are at least nine tenths of a class, and no other vector lies closer to its neighbours', () => {
    fc.assert(
      fc.property(vectors(2, 40), (rows) => {
        const neighbours = nearestNeighbours(rows, 3);
        const safe = new Set(safeAnchors(neighbours));
        expect(safe.size).toBeGreaterThanOrEqual(Math.floor(0.9 * rows.count));
        const medians = Array.from({ length: rows.count }, (_, i) =>
          medianOf(neighbours.distances, neighbours.k, i),
        );
        const largestSafe = Math.max(...[...safe].map((i) => medians[i]));
        medians.forEach((median, i) => {
          expect(median <= largestSafe).toBe(safe.has(i));
        });
      }),
    );
  });

  it('leave an outlier out', () => {
    const rows = rowsOf(Float32Array.from([...Array.from({ length: 19 }, (_, i) => i / 100), 50]), 1);
    expect(safeAnchors(nearestNeighbours(rows, 5))).not.toContain(19);
  });

  it('are all vectors where all are equal, and none where there is only one', () => {
    expect(safeAnchors(nearestNeighbours(rowsOf(new Float32Array(8), 2), 3))).toHaveLength(4);
    expect(safeAnchors(nearestNeighbours(rowsOf(new Float32Array(2), 2), 3))).toHaveLength(0);
  });
});

describe('counts (equation 3)', () => {
  const counts = fc.array(fc.nat(500), { minLength: 1, maxLength: 8 });
  const ratio = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true });

  it('fill every class up to ⌊ρ·n_max⌋ and shrink none', () => {
    fc.assert(
      fc.property(counts, ratio, (sizes, rho) => {
        const target = Math.floor(rho * Math.max(...sizes));
        syntheticCounts(sizes, rho).forEach((count, c) => {
          expect(sizes[c] + count).toBe(Math.max(sizes[c], target));
        });
      }),
    );
  });

  it('never add to the largest class', () => {
    fc.assert(
      fc.property(counts, ratio, (sizes, rho) => {
        const largest = sizes.indexOf(Math.max(...sizes));
        expect(syntheticCounts(sizes, rho)[largest]).toBe(0);
      }),
    );
  });

  it('refuse ρ outside 0 ≤ ρ < 1', () => {
    for (const rho of [1, 1.5, -0.1, Number.NaN])
      expect(() => syntheticCounts([1, 2], rho)).toThrow(RangeError);
  });
});

describe('the directions of a neighbourhood', () => {
  it('are orthonormal, at most one fewer than its members, and span their differences', () => {
    fc.assert(
      fc.property(vectors(1, 6, 4), (rows) => {
        const members = Array.from({ length: rows.count }, (_, i) => i);
        const directions = localDirections(rows, members);
        expect(directions.length).toBeLessThanOrEqual(rows.count - 1);
        directions.forEach((a, i) => {
          directions.forEach((b, j) => {
            expect(dot(a, b)).toBeCloseTo(i === j ? 1 : 0, 6);
          });
        });
        for (const i of members) {
          const difference = row(rows, i).map((value, d) => value - row(rows, 0)[d]);
          expect(outside(difference, directions)).toBeLessThan(1e-4);
        }
      }),
    );
  });
});

describe('synthesis (equation 4)', () => {
  const epsilon = 0.2;
  const scene = fc.tuple(vectors(2, 20), fc.integer({ min: 1, max: 5 }), fc.nat());

  it('stays on the way from anchor to neighbour, but for the perturbation it states', () => {
    fc.assert(
      fc.property(scene, ([rows, k, seed]) => {
        const neighbours = nearestNeighbours(rows, k);
        const { rows: made, origins } = synthesise(
          rows,
          neighbours,
          safeAnchors(neighbours),
          12,
          epsilon,
          generator(seed),
        );
        origins.forEach(({ anchor, neighbour, position, perturbation }, n) => {
          expect(position).toBeGreaterThanOrEqual(0);
          expect(position).toBeLessThan(1);
          const [from, to] = [row(rows, anchor), row(rows, neighbour)];
          const aside = row(made, n).map((value, d) => value - from[d] - position * (to[d] - from[d]));
          expect(Math.sqrt(dot(aside, aside))).toBeCloseTo(perturbation, 3);
        });
      }),
    );
  });

  it('stays in the span of its neighbourhood, and on the segment without perturbation', () => {
    fc.assert(
      fc.property(scene, ([rows, k, seed]) => {
        const neighbours = nearestNeighbours(rows, k);
        for (const size of [0, epsilon]) {
          const { rows: made, origins } = synthesise(
            rows,
            neighbours,
            safeAnchors(neighbours),
            6,
            size,
            generator(seed),
          );
          origins.forEach(({ anchor, neighbour, perturbation }, n) => {
            const around = neighbours.indices.subarray(anchor * neighbours.k, (anchor + 1) * neighbours.k);
            expect(around).toContain(neighbour);
            if (size === 0) expect(perturbation).toBe(0);
            const span = localDirections(rows, [anchor, ...around]);
            expect(
              outside(
                row(made, n).map((value, d) => value - row(rows, anchor)[d]),
                span,
              ),
            ).toBeLessThan(1e-4);
          });
        }
      }),
    );
  });

  it('starts from safe anchors alone', () => {
    fc.assert(
      fc.property(scene, ([rows, k, seed]) => {
        const neighbours = nearestNeighbours(rows, k);
        const anchors = safeAnchors(neighbours);
        const { origins } = synthesise(rows, neighbours, anchors, 50, epsilon, generator(seed));
        for (const { anchor } of origins) expect(anchors).toContain(anchor);
      }),
    );
  });

  it('perturbs by ε in every direction of the neighbourhood, in the mean of squares', () => {
    const rows = cloud(12, 8, 21);
    const neighbours = nearestNeighbours(rows, 4);
    const { origins } = synthesise(rows, neighbours, safeAnchors(neighbours), 20_000, epsilon, generator(1));
    const square = origins.reduce((sum, { perturbation }) => sum + perturbation ** 2, 0) / origins.length;
    // Four neighbours span three directions.
    expect(square / (3 * epsilon ** 2)).toBeCloseTo(1, 1);
  });

  it('repeats equal vectors, since a neighbourhood without extent has no direction', () => {
    const rows = rowsOf(new Float32Array(15).fill(2), 3);
    const neighbours = nearestNeighbours(rows, 3);
    const made = synthesise(rows, neighbours, safeAnchors(neighbours), 9, epsilon, generator(1));
    expect(made.rows.values).toEqual(new Float32Array(27).fill(2));
  });
});

describe('SMOTE as a whole', () => {
  it('makes as many vectors of each class as equation 3 asks', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(
          fc.integer({ min: 2, max: 14 }),
          fc.integer({ min: 2, max: 14 }),
          fc.integer({ min: 2, max: 14 }),
        ),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        async (sizes, ratio) => {
          const made = await smote(await embeddingsOf(images(sizes, 5, 31)), { ...OPTIONS, ratio });
          expect(made.classes.map((part) => part.made)).toEqual(syntheticCounts(sizes, ratio));
          expect(made.classes.map(({ images }) => images)).toEqual(sizes);
          made.classes.forEach((part, label) => {
            expect(made.labels.filter((own) => own === label)).toHaveLength(part.made);
          });
          expect(made.rows.count).toBe(made.labels.length);
        },
      ),
      { numRuns: 25 },
    );
  });

  it('makes nothing of a class with one image, says so, and goes on with the others', async () => {
    const made = await smote(await embeddingsOf(images([20, 1, 5], 5, 32)), OPTIONS);
    expect(made.classes[1]).toEqual({ images: 1, safeAnchors: 0, wanted: 15, made: 0 });
    expect(made.classes[2]).toMatchObject({ wanted: 11, made: 11 });
  });

  it('makes nothing of a class without images', async () => {
    const made = await smote(await embeddingsOf(images([20, 0, 5], 5, 33)), OPTIONS);
    expect(made.classes[1]).toEqual({ images: 0, safeAnchors: 0, wanted: 16, made: 0 });
  });

  it('keeps as many directions as there are when more are asked for', async () => {
    const made = await smote(await embeddingsOf(images([10, 4, 3], 5, 34)), { ...OPTIONS, components: 500 });
    expect(made.components).toBe(5);
    expect(made.rows.values.every(Number.isFinite)).toBe(true);
  });

  it('repeats itself exactly for the same seed, and differs for another', async () => {
    const given = await embeddingsOf(images([20, 6, 4], 5, 35));
    const once = await smote(given, OPTIONS);
    expect(await smote(given, OPTIONS)).toEqual(once);
    expect((await smote(given, { ...OPTIONS, seed: 8 })).rows.values).not.toEqual(once.rows.values);
  });

  it('lets every class keep its own place', async () => {
    const given = await embeddingsOf(images([40, 12, 9], 5, 36));
    const { rows, labels } = await smote(given, { ...OPTIONS, components: 5, epsilon: 0 });
    const centres = [0, 1, 2].map((label) => {
      const own = selectRows(given.rows, given.indicesOf(label));
      return Array.from({ length: 5 }, (_, d) => mean(own, (v) => v[d]));
    });
    labels.forEach((label, i) => {
      const distances = centres.map((c) => Math.hypot(...c.map((value, d) => value - row(rows, i)[d])));
      expect(distances.indexOf(Math.min(...distances))).toBe(label);
    });
  });

  it('leaves no tensor behind', async () => {
    const given = await embeddingsOf(images([20, 6, 4], 5, 37));
    await smote(given, OPTIONS);
    const before = tf.memory().numTensors;
    await smote(given, OPTIONS);
    expect(tf.memory().numTensors).toBe(before);
  });
});

function generator(seed: number): () => number {
  const random = new Random(seed);
  return () => random.next();
}

function mean(rows: Rows, of: (vector: Float32Array) => number): number {
  return (
    Array.from({ length: rows.count }, (_, i) => of(row(rows, i))).reduce((a, b) => a + b, 0) / rows.count
  );
}

function centre(rows: Rows): { rows: Rows } {
  const means = Array.from({ length: rows.width }, (_, d) => mean(rows, (v) => v[d]));
  return { rows: { ...rows, values: rows.values.map((value, i) => value - means[i % rows.width]) } };
}

function dot(a: ArrayLike<number>, b: ArrayLike<number>): number {
  return Array.from(a).reduce((sum, value, i) => sum + value * b[i], 0);
}

/** Length of what is left of a vector outside the span of orthonormal directions. */
function outside(vector: ArrayLike<number>, directions: readonly Float64Array[]): number {
  const left = directions.reduce<number[]>((rest, direction) => {
    const along = dot(rest, direction);
    return rest.map((value, d) => value - along * direction[d]);
  }, Array.from(vector));
  return Math.hypot(...left);
}

function medianOf(distances: Float64Array, k: number, vector: number): number {
  const own = distances.slice(vector * k, (vector + 1) * k).sort();
  return k % 2 === 1 ? own[(k - 1) / 2] : (own[k / 2 - 1] + own[k / 2]) / 2;
}
