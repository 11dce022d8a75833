/** Fake quantisation with the converter's own rounding (QANA, equation 14) and a straight-through gradient. */
import * as tf from '@tensorflow/tfjs-core';
import { FUSED, isFused, runFused } from './fused.ts';

export interface FakeQuantiseOptions {
  /**
   * Gives `scale` the gradient of learned step size quantisation (Esser et al. 2020, equation 3), without that paper's
   * factor 1/√(N·Q), which belongs to the learning rate. Without it the gradient of `scale` is zero.
   */
  readonly learnScale?: boolean;
}

/**
 * y = (clip(round(x/s) + z, minimum, maximum) − z)·s, with ties of `round` towards +∞, as the converter's `Math.round`
 * and the integer engine's rounding shift have them. In float32: a quotient within one float32 step of a tie may fall to
 * the other side than in the converter's float64.
 *
 * Gradient of `x`: dy where round(x/s) + z lies in minimum…maximum, else zero. `zeroPoint` has none.
 *
 * @param x float32, any shape
 * @param scale above zero: a number, a scalar tensor, or a vector with one entry per index of the last axis of `x`
 * @param zeroPoint integer valued: a number, a scalar tensor, or a vector like `scale`
 * @param minimum smallest quantised value, for example 0 for uint8 or −127 for weights
 * @param maximum largest quantised value, for example 255 or 127
 */
export function fakeQuantise(
  x: tf.Tensor,
  scale: tf.Tensor | number,
  zeroPoint: tf.Tensor | number,
  minimum: number,
  maximum: number,
  options: FakeQuantiseOptions = {},
): tf.Tensor {
  if (!isFused(FUSED.fakeQuantise)) {
    return fakeQuantisePlain(x, scale, zeroPoint, minimum, maximum, options);
  }
  return tf.tidy(() => {
    const inputs = { x, scale: asTensor(scale), zeroPoint: asTensor(zeroPoint) };
    const attributes = { minimum, maximum, learnScale: options.learnScale ?? false };
    const [y] = runFused(FUSED.fakeQuantise, inputs, attributes);
    return y;
  });
}

/** `fakeQuantise` in tfjs's own operators. */
export function fakeQuantisePlain(
  x: tf.Tensor,
  scale: tf.Tensor | number,
  zeroPoint: tf.Tensor | number,
  minimum: number,
  maximum: number,
  { learnScale = false }: FakeQuantiseOptions = {},
): tf.Tensor {
  const quantise = tf.customGrad((...inputs) => {
    // tfjs passes the tensors first and the saving function last, in one untyped list.
    const [$x, $scale, $zeroPoint] = inputs as tf.Tensor[];
    const save = inputs[3] as tf.GradSaveFunc;
    save([$x, $scale, $zeroPoint]);
    const quantised = tf.clipByValue(unclipped($x, $scale, $zeroPoint), minimum, maximum);
    return {
      value: tf.mul(tf.sub(quantised, $zeroPoint), $scale),
      gradFunc: (dy: tf.Tensor, [x, scale, zeroPoint]: tf.Tensor[]) => {
        const steps = unclipped(x, scale, zeroPoint);
        const inside = tf.logicalAnd(tf.greaterEqual(steps, minimum), tf.lessEqual(steps, maximum));
        const dScale = () => {
          const clipped = tf.sub(tf.clipByValue(steps, minimum, maximum), zeroPoint);
          const slope = tf.where(inside, tf.sub(clipped, tf.div(x, scale)), clipped);
          return sumToShape(tf.mul(dy, slope), scale.shape);
        };
        return [
          tf.mul(dy, tf.cast(inside, 'float32')),
          learnScale ? dScale() : tf.zerosLike(scale),
          tf.zerosLike(zeroPoint),
        ];
      },
    };
  });
  return tf.tidy(() => quantise(x, asTensor(scale), asTensor(zeroPoint)));
}

function asTensor(value: tf.Tensor | number): tf.Tensor {
  return typeof value === 'number' ? tf.scalar(value) : value;
}

function unclipped(x: tf.Tensor, scale: tf.Tensor, zeroPoint: tf.Tensor): tf.Tensor {
  return tf.add(roundHalfUp(tf.div(x, scale)), zeroPoint);
}

/** tfjs's own `round` takes ties to even. x − ⌊x⌋ is exact, x + ½ is not. */
function roundHalfUp(x: tf.Tensor): tf.Tensor {
  const below = tf.floor(x);
  return tf.add(below, tf.cast(tf.greaterEqual(tf.sub(x, below), 0.5), 'float32'));
}

function sumToShape(x: tf.Tensor, shape: number[]): tf.Tensor {
  const leading = x.shape.length - shape.length;
  const axes = x.shape.flatMap((_, axis) => (axis < leading || shape[axis - leading] === 1 ? [axis] : []));
  return tf.reshape(tf.sum(x, axes), shape);
}
