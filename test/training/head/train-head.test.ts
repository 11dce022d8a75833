import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Head, type HeadSettings, trainHead } from '../../../src/training/head/train-head.ts';
import { row, rowsOf } from '../../../src/training/smote/rows.ts';
import { Random } from '../../support/random.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const WIDTH = 6;
const CLASSES = 3;
const QUANTISATION = { input: { scale: 1 / 255, zeroPoint: 0, maximum: 255 }, limit: 127 };
const SETTINGS: HeadSettings = {
  epochs: 30,
  batch: 16,
  rate: { peak: 0.05, warmUp: 0, floor: 0.1 },
  weightDecay: 0,
  averageDecay: 0,
  seed: 3,
};

function emptyHead(): Head {
  return {
    weights: { shape: [WIDTH, CLASSES], values: new Float32Array(WIDTH * CLASSES) },
    bias: { shape: [CLASSES], values: new Float32Array(CLASSES) },
  };
}

/** Vectors in 0…1 whose class is the largest of their first three values. */
function separable(count: number) {
  const random = new Random(1);
  const values = Float32Array.from({ length: count * WIDTH }, () => random.next());
  const rows = rowsOf(values, WIDTH);
  const labels = Uint8Array.from({ length: count }, (_, i) => {
    const own = [...row(rows, i).subarray(0, CLASSES)];
    return own.indexOf(Math.max(...own));
  });
  return { rows, labels };
}

/** What the integer graph computes, in plain arithmetic: weights on a grid of 255 values, inputs on one of 256. */
function integerAnswer({ weights, bias }: Head, vector: Float32Array): number {
  const step = Math.max(...weights.values.map(Math.abs)) / QUANTISATION.limit;
  const potentials = Array.from({ length: CLASSES }, (_, c) =>
    vector.reduce(
      (sum, value, f) => sum + Math.round(value * 255) * Math.round(weights.values[f * CLASSES + c] / step),
      Math.round((bias.values[c] / step) * 255),
    ),
  );
  return potentials.indexOf(Math.max(...potentials));
}

describe('training the head alone', () => {
  it('learns classes that a hyperplane parts, as integers answer them', () => {
    const { rows, labels } = separable(400);
    const head = trainHead(emptyHead(), rows, labels, QUANTISATION, SETTINGS);
    const right = labels.filter((label, i) => integerAnswer(head, row(rows, i)) === label).length;
    expect(right / labels.length).toBeGreaterThan(0.95);
  });

  it('reports a falling loss, from that of a guess', () => {
    const { rows, labels } = separable(200);
    const losses: number[] = [];
    trainHead(emptyHead(), rows, labels, QUANTISATION, SETTINGS, (_, loss) => losses.push(loss));
    expect(losses).toHaveLength(SETTINGS.epochs);
    expect(losses[0]).toBeLessThanOrEqual(Math.log(CLASSES) + 1e-6);
    expect(losses[losses.length - 1]).toBeLessThan(losses[0] / 2);
  });

  it('sees an embedding only as the integer graph can store it', () => {
    const { rows, labels } = separable(100);
    const outside = {
      ...rows,
      values: rows.values.map((value) => (value > 0.9 ? 7 : value < 0.1 ? -3 : value)),
    };
    const clipped = {
      ...rows,
      values: rows.values.map((value) => (value > 0.9 ? 1 : value < 0.1 ? 0 : value)),
    };
    const settings = { ...SETTINGS, epochs: 2 };
    expect(trainHead(emptyHead(), outside, labels, QUANTISATION, settings)).toEqual(
      trainHead(emptyHead(), clipped, labels, QUANTISATION, settings),
    );
  });

  it('repeats itself exactly, and takes another order for another seed', () => {
    const { rows, labels } = separable(100);
    const settings = { ...SETTINGS, epochs: 2 };
    const once = trainHead(emptyHead(), rows, labels, QUANTISATION, settings);
    expect(trainHead(emptyHead(), rows, labels, QUANTISATION, settings)).toEqual(once);
    expect(trainHead(emptyHead(), rows, labels, QUANTISATION, { ...settings, seed: 4 })).not.toEqual(once);
  });

  it('leaves no tensor behind', () => {
    const { rows, labels } = separable(40);
    const before = tf.memory().numTensors;
    trainHead(emptyHead(), rows, labels, QUANTISATION, { ...SETTINGS, epochs: 2 });
    expect(tf.memory().numTensors).toBe(before);
  });
});
