/** Who computes the float graph's tensors: this project's evaluator, or for large networks onnxruntime. */
import { elementCount } from '../../model/graph.ts';
import { evaluate } from '../float/evaluate.ts';
import { type FloatGraph, multiplyAddsOf, shapeIn } from '../float/graph.ts';
import type { Activations } from './contract.ts';
import { openOnnxruntime } from './onnxruntime.ts';
import { pixelByPixel } from './order.ts';
import { realImage } from './real-image.ts';

/**
 * Multiply-adds of a whole conversion from which another runtime is worth its start: some minutes of the own evaluator.
 * What lies below, the networks of this project among it, gives the same bytes whatever is installed.
 */
const LARGE = 1e11;
/** Largest difference between both, in shares of a tensor's largest value. */
const AGREEMENT = 1e-3;

export function ownActivations(graph: FloatGraph): Activations {
  return {
    observe: async (image, observer) =>
      evaluate(graph, realImage(image), (name, values) => observer?.(name, values, 'pixels')),
    close: async () => {},
  };
}

/**
 * onnxruntime where it is installed and the work is large, judged on an image by the own evaluator; else that one.
 * @param sample the image that it is judged on
 * @param evaluations how many images will be computed, each as often as it will be
 * @param tell what was chosen, and why not onnxruntime
 * @param large multiply-adds from which the work counts as large
 */
export async function openActivations(
  graph: FloatGraph,
  sample: Uint8Array,
  evaluations: number,
  tell: (text: string) => void = () => {},
  large = LARGE,
): Promise<Activations> {
  const own = ownActivations(graph);
  const perImage = graph.nodes.reduce((sum, node) => sum + multiplyAddsOf(node), 0);
  if (perImage * evaluations < large) return own;
  const runtime = await openOnnxruntime(graph);
  if (runtime === null) {
    tell(
      'onnxruntime-node is not installed or does not take this network: calibrating with the own evaluator',
    );
    return own;
  }
  const worst = await largestDifference(graph, own, runtime, sample);
  if (worst.share <= AGREEMENT) {
    tell('onnxruntime computes the calibration; on one image every tensor is that of the own evaluator');
    return runtime;
  }
  tell(`onnxruntime differs at ${worst.tensor} by ${worst.share}: calibrating with the own evaluator`);
  await runtime.close();
  return own;
}

/** The tensor that differs most, by its share of the tensor's largest value; one that is missing differs wholly. */
async function largestDifference(
  graph: FloatGraph,
  own: Activations,
  other: Activations,
  image: Uint8Array,
): Promise<{ tensor: string; share: number }> {
  const seen = new Map<string, Float32Array>();
  await other.observe(image, (name, values, order) =>
    // Copied, unless putting it in order has done so already.
    seen.set(name, pixelByPixel(values, order, shapeIn(graph, name)).slice()),
  );
  let worst = { tensor: '', share: 0 };
  const shapes = new Map(graph.nodes.map(({ name, shape }) => [name, elementCount(shape)]));
  await own.observe(image, (name, values) => {
    const theirs = seen.get(name);
    const complete = theirs !== undefined && theirs.length === (shapes.get(name) ?? values.length);
    const share = complete ? shareOf(values, theirs) : 1;
    if (!(share <= worst.share)) worst = { tensor: name, share };
  });
  return worst;
}

function shareOf(values: Float32Array, others: Float32Array): number {
  let difference = 0;
  let largest = 1e-6;
  for (let i = 0; i < values.length; i++) {
    largest = Math.max(largest, Math.abs(values[i]));
    difference = Math.max(difference, Math.abs(values[i] - others[i]));
  }
  return difference / largest;
}
