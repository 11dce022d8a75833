/**
 * Other ways to learn from a stream through a fixed network, and what fitting the head again on everything would reach. Each
 * sees the pooled embeddings of the network's own training images, which a device does not have, and the stream.
 */
import { Matrix, solve } from 'ml-matrix';
import { seededRandom } from '../../random.ts';

/** Of the mean variance, in the diagonal of a covariance. */
const SHRINKAGE = 0.01;
/** Of each class. */
export const NEURONS = 4;
const INPUTS_OF_NEURON = 40;
/** Cases that the binary layer learns before the stream. */
const BINARY_BASE = 1500;
const HEAD_STEPS = 150;
const HEAD_PENALTY = 1e-3;

/** A vector of numbers, of whatever width. */
type Vector = ArrayLike<number> & Iterable<number>;

export interface Case {
  /** The class. */
  readonly dx: string;
  /** Sum of each channel over the places of the embedding. */
  readonly pooled: Int16Array;
}

/** A case of the network's own training. */
export type BaseCase = Case;

/** Learns base and stream; what it returns names the class of a pooled embedding. */
export type Learn = (
  base: readonly BaseCase[],
  stream: readonly Case[],
  classes: readonly string[],
) => (pooled: Int16Array) => string;

interface Neuron {
  readonly weights: Uint8Array;
  plasticity: number;
}

export const ALTERNATIVES: Readonly<Record<string, Learn>> = {
  'streaming LDA': streamingLda,
  'prototypes, whitened': (base, stream, classes) => prototypes(whitened(base), base, stream, classes),
  'prototypes, plain': (base, stream, classes) =>
    prototypes((row) => Float64Array.from(row), base, stream, classes),
  'competitive binary layer': binaryLayer,
  'head fitted again on all': headFittedAgain,
};

function largest(scores: readonly number[], classes: readonly string[]): string {
  return classes[scores.indexOf(Math.max(...scores))];
}

/** Mean of each class, and the covariance around these means. */
function statistics(cases: readonly Case[], classes: readonly string[]) {
  const features = cases[0].pooled.length;
  const means = classes.map((name) => {
    const own = cases.filter(({ dx }) => dx === name);
    const mean = new Float64Array(features);
    for (const { pooled } of own) for (let k = 0; k < features; k++) mean[k] += pooled[k] / own.length;
    return mean;
  });
  return { means, covariance: shrunk(covarianceAround(cases, ({ dx }) => means[classes.indexOf(dx)])) };
}

function covarianceAround(cases: readonly Case[], centreOf: (example: Case) => Vector): Matrix {
  const rows = new Matrix(
    cases.map((example) => {
      const centre = centreOf(example);
      return Array.from(example.pooled, (value, k) => value - centre[k]);
    }),
  );
  return rows.transpose().mmul(rows).div(cases.length);
}

function shrunk(covariance: Matrix): Matrix {
  const share = (SHRINKAGE * covariance.trace()) / covariance.rows;
  return covariance.mul(1 - SHRINKAGE).add(Matrix.eye(covariance.rows).mul(share));
}

/** Hayes and Kanan 2020, with the covariance at the end of the stream. */
function streamingLda(...[base, stream, classes]: Parameters<Learn>): ReturnType<Learn> {
  const { means, covariance } = statistics([...base, ...stream], classes);
  const weights = solve(covariance, new Matrix(means.map((mean) => [...mean])).transpose());
  const columns = classes.map((_, c) => Float64Array.from(weights.getColumn(c)));
  const bias = columns.map((column, c) => -dot(column, means[c]) / 2);
  return (pooled) =>
    largest(
      columns.map((column, c) => dot(column, pooled) + bias[c]),
      classes,
    );
}

function dot(a: Vector, b: Vector): number {
  let sum = 0;
  for (let k = 0; k < a.length; k++) sum += a[k] * b[k];
  return sum;
}

/** Distances by the standard deviations of the principal directions of the base. */
function whitened(base: readonly Case[]): (row: Vector) => Float64Array {
  const all = statistics(base, [...new Set(base.map(({ dx }) => dx))]).covariance;
  const factor = cholesky(all);
  return (row) => forwardSubstituted(factor, row);
}

function cholesky(matrix: Matrix): Float64Array[] {
  const d = matrix.rows;
  const lower = Array.from({ length: d }, () => new Float64Array(d));
  for (let a = 0; a < d; a++) {
    for (let b = 0; b <= a; b++) {
      let sum = matrix.get(a, b);
      for (let k = 0; k < b; k++) sum -= lower[a][k] * lower[b][k];
      lower[a][b] = a === b ? Math.sqrt(sum) : sum / lower[b][b];
    }
  }
  return lower;
}

function forwardSubstituted(lower: readonly Float64Array[], row: Vector): Float64Array {
  const result = new Float64Array(row.length);
  for (let a = 0; a < row.length; a++) {
    let sum = row[a];
    for (let k = 0; k < a; k++) sum -= lower[a][k] * result[k];
    result[a] = sum / lower[a][a];
  }
  return result;
}

/** The class whose mean is nearest. */
function prototypes(
  transform: (row: Vector) => Float64Array,
  ...[base, stream, classes]: Parameters<Learn>
): ReturnType<Learn> {
  const cases = [...base, ...stream];
  const means = classes.map((name) => {
    const rows = cases.filter(({ dx }) => dx === name).map(({ pooled }) => pooled);
    return transform(
      Float64Array.from(rows[0], (_, k) => rows.reduce((sum, row) => sum + row[k], 0) / rows.length),
    );
  });
  return (pooled) => {
    const row = transform(pooled);
    return largest(
      means.map((mean) => -mean.reduce((sum, value, k) => sum + (value - row[k]) ** 2, 0)),
      classes,
    );
  };
}

/**
 * As Akida learns on the chip: binary weights that move to the inputs that are active, the best neuron of the class
 * learning.
 */
function binaryLayer(...[base, stream, classes]: Parameters<Learn>): ReturnType<Learn> {
  const random = seededRandom(1);
  const active = binarised(base);
  const features = base[0].pooled.length;
  const neurons = classes.map(() =>
    Array.from(
      { length: NEURONS },
      (): Neuron => ({ weights: randomWeights(features, random), plasticity: 1 }),
    ),
  );
  // The data set lies class by class.
  for (const { pooled, dx } of [...drawn(base, BINARY_BASE, random), ...stream]) {
    const input = active(pooled);
    const own = neurons[classes.indexOf(dx)];
    const best = own.reduce((a, b) => (dot(b.weights, input) > dot(a.weights, input) ? b : a));
    compete(best, input, random);
  }
  return (pooled) => {
    const input = active(pooled);
    return largest(
      neurons.map((own) => Math.max(...own.map(({ weights }) => dot(weights, input)))),
      classes,
    );
  };
}

/** A stage of one bit: whether a channel is above its median in the base. */
export function binarised(base: readonly Case[]): (pooled: Int16Array) => Uint8Array {
  const middle = base[0].pooled.map((_, k) => median(base.map(({ pooled }) => pooled[k])));
  return (pooled) => Uint8Array.from(pooled, (value, k) => Number(value > middle[k]));
}

/** So many of them at random, in a random order; all where there are no more. */
export function drawn<Item>(items: readonly Item[], count: number, random: () => number): Item[] {
  const left = [...items];
  const taken = Math.min(count, left.length);
  return Array.from({ length: taken }, () => left.splice(Math.floor(random() * left.length), 1)[0]);
}

function randomWeights(features: number, random: () => number): Uint8Array {
  const weights = new Uint8Array(features);
  while (dot(weights, weights) < INPUTS_OF_NEURON) weights[Math.floor(random() * features)] = 1;
  return weights;
}

function compete(neuron: Neuron, input: Uint8Array, random: () => number): void {
  const idle = indices(input, (value, k) => value === 0 && neuron.weights[k] === 1);
  const wanted = indices(input, (value, k) => value === 1 && neuron.weights[k] === 0);
  const moved = Math.floor(Math.min(idle.length, wanted.length) * neuron.plasticity);
  for (let i = 0; i < moved; i++) {
    neuron.weights[takeAny(idle, random)] = 0;
    neuron.weights[takeAny(wanted, random)] = 1;
  }
  neuron.plasticity = Math.max(0.1, 0.75 * neuron.plasticity);
}

function indices(values: Uint8Array, isWanted: (value: number, k: number) => boolean): number[] {
  return [...values.keys()].filter((k) => isWanted(values[k], k));
}

function takeAny(list: number[], random: () => number): number {
  return list.splice(Math.floor(random() * list.length), 1)[0];
}

function median(values: readonly number[]): number {
  return Float64Array.from(values).sort()[values.length >> 1];
}

/** Multinomial logistic regression on standardised embeddings, classes weighed by the root of their inverse frequency. */
function headFittedAgain(...[base, stream, classes]: Parameters<Learn>): ReturnType<Learn> {
  const cases = [...base, ...stream];
  const { mean, deviation } = moments(cases);
  const standard = (pooled: Int16Array) => [
    ...Array.from(pooled, (value, k) => (value - mean[k]) / deviation[k]),
    1,
  ];
  const rows = new Matrix(cases.map(({ pooled }) => standard(pooled)));
  const labels = cases.map(({ dx }) => classes.indexOf(dx));
  const counts = classes.map((_, c) => labels.filter((label) => label === c).length);
  const shares = labels.map((label) => 1 / Math.sqrt(counts[label]));
  const total = shares.reduce((sum, share) => sum + share, 0);
  const weights = descend(
    rows,
    labels,
    shares.map((share) => share / total),
    classes.length,
  );
  return (pooled) => largest(Matrix.rowVector(standard(pooled)).mmul(weights).getRow(0), classes);
}

function moments(cases: readonly Case[]) {
  const n = cases.length;
  const features = cases[0].pooled.length;
  const mean = new Float64Array(features);
  const deviation = new Float64Array(features);
  for (const { pooled } of cases) for (let k = 0; k < features; k++) mean[k] += pooled[k] / n;
  for (const { pooled } of cases) {
    for (let k = 0; k < features; k++) deviation[k] += (pooled[k] - mean[k]) ** 2 / n;
  }
  return { mean, deviation: deviation.map((variance) => Math.sqrt(variance) || 1) };
}

/** Accelerated gradient descent; the step comes from the largest eigenvalue of the weighed scatter. */
function descend(
  rows: Matrix,
  labels: readonly number[],
  shares: readonly number[],
  classes: number,
): Matrix {
  const weighed = rows.clone();
  for (const [i, share] of shares.entries()) weighed.mulRow(i, share);
  const step = 1 / (0.5 * largestEigenvalue(rows.transpose().mmul(weighed)) + HEAD_PENALTY);
  let weights = Matrix.zeros(rows.columns, classes);
  let ahead = weights;
  let momentum = 1;
  for (let i = 0; i < HEAD_STEPS; i++) {
    const errors = probabilities(rows.mmul(ahead));
    for (const [row, label] of labels.entries()) {
      errors.set(row, label, errors.get(row, label) - 1);
      errors.mulRow(row, shares[row]);
    }
    const gradient = rows.transpose().mmul(errors).add(Matrix.mul(ahead, HEAD_PENALTY));
    const next = Matrix.sub(ahead, gradient.mul(step));
    const nextMomentum = (1 + Math.sqrt(1 + 4 * momentum ** 2)) / 2;
    ahead = Matrix.add(next, Matrix.sub(next, weights).mul((momentum - 1) / nextMomentum));
    weights = next;
    momentum = nextMomentum;
  }
  return weights;
}

function largestEigenvalue(matrix: Matrix): number {
  let vector = Matrix.ones(matrix.rows, 1);
  let value = 0;
  for (let i = 0; i < 50; i++) {
    vector = matrix.mmul(vector);
    value = vector.norm();
    vector.div(value);
  }
  return value;
}

function probabilities(scores: Matrix): Matrix {
  for (let i = 0; i < scores.rows; i++) {
    const row = scores.getRow(i);
    const top = Math.max(...row);
    const powers = row.map((value) => Math.exp(value - top));
    const sum = powers.reduce((a, b) => a + b, 0);
    scores.setRow(
      i,
      powers.map((power) => power / sum),
    );
  }
  return scores;
}
