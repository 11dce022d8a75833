/**
 * One update of the factory's rows of the learned head: multinomial logistic regression on the pooled embedding with the
 * factory's potentials as offset, on old cases and the new one together (experience replay), by a few steps of accelerated
 * gradient descent (Nesterov 1983, as in Beck and Teboulle 2009) from where the head stands. Distances are measured by the
 * covariance of the embeddings, classes count the same whatever the number of their cases, and a penalty on the correction
 * keeps the head near the factory's where the cases do not say otherwise.
 */
import { softmax } from '../inference/readout.ts';
import { type Correction, quantised, type RealCorrection, realOf } from './correction.ts';
import { dot, type Metric, transformed } from './metric.ts';

/** A case to learn from. */
export interface Example {
  readonly pooled: Int16Array;
  /** int32, the factory head's. */
  readonly potentials: Int32Array;
  /** Index among the correction's classes. */
  readonly label: number;
}

export interface TeachOptions {
  readonly metric: Metric;
  /** Scale of the potentials before the softmax. */
  readonly alpha: number;
}

/** Weight of the penalty: half of it times the correction's squared length, measured like distances. */
const PENALTY = 0.2;
const STEPS = 8;

/**
 * The correction after learning from these examples, all of them equally old and of the factory's classes. The rows of added
 * classes stay as they are, but for rounding where another row needs coarser steps.
 */
export function taught(
  correction: Correction,
  examples: readonly Example[],
  { metric, alpha }: TeachOptions,
): Correction {
  const { factoryClasses, features } = correction;
  const real = realOf(correction);
  const start = {
    weights: real.weights.slice(0, factoryClasses * features),
    bias: real.bias.slice(0, factoryClasses),
  };
  const { weights, bias } = new Problem(start, examples, metric, alpha).solve();
  real.weights.set(weights);
  real.bias.set(bias);
  return quantised(real, correction);
}

/** In units of logits; embeddings centred; the bias is the weight of a feature that is always 1. */
class Problem {
  readonly #initial: RealCorrection;
  readonly #metric: Metric;
  readonly #alpha: number;
  readonly #rows: Float64Array[];
  readonly #offsets: Float64Array[];
  readonly #labels: readonly number[];
  readonly #shares: readonly number[];

  constructor(initial: RealCorrection, examples: readonly Example[], metric: Metric, alpha: number) {
    this.#initial = initial;
    this.#metric = metric;
    this.#alpha = alpha;
    this.#rows = examples.map(({ pooled }) => {
      const row = new Float64Array(pooled.length);
      for (let k = 0; k < row.length; k++) row[k] = pooled[k] - metric.mean[k];
      return row;
    });
    this.#offsets = examples.map(({ potentials }) => Float64Array.from(potentials, (p) => alpha * p));
    this.#labels = examples.map(({ label }) => label);
    const counts = new Map<number, number>();
    for (const label of this.#labels) counts.set(label, (counts.get(label) ?? 0) + 1);
    this.#shares = this.#labels.map((label) => 1 / (counts.size * (counts.get(label) ?? 1)));
  }

  solve() {
    let { weights, bias } = this.#start();
    let ahead = { weights, bias };
    let momentum = 1;
    // Half the largest curvature of the squares bounds that of the softmax (Böhning 1992).
    const bound = 0.5 * this.#largestCurvature() + PENALTY;
    for (let step = 0; step < STEPS; step++) {
      const gradient = this.#gradient(ahead);
      const next = {
        weights: ahead.weights.map((w, i) => w - gradient.weights[i] / bound),
        bias: ahead.bias.map((b, c) => b - gradient.bias[c] / bound),
      };
      const grown = (1 + Math.sqrt(1 + 4 * momentum * momentum)) / 2;
      const share = (momentum - 1) / grown;
      ahead = {
        weights: next.weights.map((w, i) => w + share * (w - weights[i])),
        bias: next.bias.map((b, c) => b + share * (b - bias[c])),
      };
      ({ weights, bias } = next);
      momentum = grown;
    }
    return this.#finish(weights, bias);
  }

  #start() {
    const weights = this.#initial.weights.map((w) => w * this.#alpha);
    const bias = this.#initial.bias.map((b, c) => b * this.#alpha + this.#atMean(weights, c));
    return { weights, bias };
  }

  #finish(weights: Float64Array, bias: Float64Array) {
    return {
      weights: weights.map((w) => w / this.#alpha),
      bias: bias.map((b, c) => (b - this.#atMean(weights, c)) / this.#alpha),
    };
  }

  #atMean(weights: Float64Array, c: number): number {
    const { mean } = this.#metric;
    return mean.reduce((sum, value, k) => sum + value * weights[c * mean.length + k], 0);
  }

  /** Of the penalised loss, weights preconditioned by the inverse covariance. */
  #gradient({ weights, bias }: { weights: Float64Array; bias: Float64Array }) {
    const d = this.#metric.mean.length;
    const raw = new Float64Array(weights.length);
    const ofBias = new Float64Array(bias.length);
    this.#rows.forEach((row, i) => {
      const logits = this.#offsets[i].map((offset, c) => offset + bias[c] + dot(weights, c * d, row));
      softmax(1, logits).forEach((p, c) => {
        const residual = this.#shares[i] * (p - Number(c === this.#labels[i]));
        ofBias[c] += residual;
        for (let k = 0, w = c * d; k < d; k++, w++) raw[w] += residual * row[k];
      });
    });
    const ofWeights = new Float64Array(weights.length);
    const { precision } = this.#metric;
    const byClass = Array.from(bias, (_, c) => raw.subarray(c * d, (c + 1) * d));
    // Each row of the matrix, which is large, serves all classes before the next one is fetched.
    for (let k = 0; k < d; k++) {
      for (let c = 0, w = k; c < bias.length; c++, w += d) {
        ofWeights[w] = dot(precision, k * d, byClass[c]) + PENALTY * weights[w];
      }
    }
    return { weights: ofWeights, bias: ofBias };
  }

  /** Largest eigenvalue of the examples' second moments, by the power method; a little more, because that ends below it. */
  #largestCurvature(): number {
    const d = this.#metric.mean.length;
    let direction = new Float64Array(d).fill(1);
    let constant = 1;
    let value = 1;
    for (let round = 0; round < 4; round++) {
      const image = new Float64Array(d);
      let ofConstant = 0;
      this.#rows.forEach((row, i) => {
        const along = this.#shares[i] * (dot(row, 0, direction) + constant);
        ofConstant += along;
        for (let k = 0; k < d; k++) image[k] += along * row[k];
      });
      const next = transformed(this.#metric, image);
      value = Math.sqrt(dot(next, 0, image) + ofConstant * ofConstant);
      direction = next.map((v) => v / value);
      constant = ofConstant / value;
    }
    return 1.3 * value;
  }
}
