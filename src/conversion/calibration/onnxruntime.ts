/** The float graph run by onnxruntime, every tensor of it handed out. An optional package, of workstations alone. */
import type { InferenceSession } from 'onnxruntime-node';
import { INPUT_NAME, type Shape } from '../../model/graph.ts';
import { exportTensors } from '../export/float.ts';
import { type FloatGraph, shapeIn } from '../float/graph.ts';
import type { Activations } from './contract.ts';
import { type Order, pixelByPixel } from './order.ts';
import { realImage } from './real-image.ts';

type Runtime = typeof import('onnxruntime-node');

/** What was made: the values as the runtime has them, channels first. */
interface Made {
  readonly values: Float32Array;
  readonly order: Order;
}

/** Null where the package is missing or does not take the graph. */
export async function openOnnxruntime(graph: FloatGraph): Promise<Activations | null> {
  const { bytes, tensors } = await exportTensors(graph);
  let runtime: Runtime;
  let session: InferenceSession;
  try {
    runtime = await import('onnxruntime-node');
    session = await runtime.InferenceSession.create(bytes, {
      executionProviders: ['cpu'],
      graphOptimizationLevel: 'disabled',
      logSeverityLevel: 3,
    });
  } catch {
    return null;
  }
  const [height, width, channels] = graph.inputShape;
  const handedOut = (
    results: InferenceSession.ReturnType,
    name: string,
    image: Float32Array,
  ): Made | undefined => {
    const tensor = tensors.get(name) ?? '';
    // A change of scale is nothing among real numbers: it is the image itself.
    if (tensor === session.inputNames[0]) return { values: image, order: 'pixels' };
    const values = results[tensor]?.data;
    return values instanceof Float32Array ? { values, order: 'planes' } : undefined;
  };
  return {
    async observe(image, observer = () => {}) {
      const real = realImage(image);
      const made = new Map<string, Made>([[INPUT_NAME, { values: real, order: 'pixels' }]]);
      observer(INPUT_NAME, real, 'pixels');
      const pixels = channelsFirst(real, graph.inputShape);
      const feed = new runtime.Tensor('float32', pixels, [1, channels, height, width]);
      const results = await session.run({ [session.inputNames[0]]: feed });
      for (const node of graph.nodes) {
        const known =
          node.op === 'flatten' ? flattened(graph, made, node.input) : handedOut(results, node.name, real);
        if (known === undefined) continue;
        made.set(node.name, known);
        observer(node.name, known.values, known.order);
      }
      const output = made.get(graph.output);
      const logits = output && pixelByPixel(output.values, output.order, shapeIn(graph, graph.output));
      return Float64Array.from(graph.outputOrder, (index) => logits?.[index] ?? Number.NaN);
    },
    close: () => session.release(),
  };
}

/** A flattened map counts its values pixel by pixel, whatever the runtime does. */
function flattened(graph: FloatGraph, made: ReadonlyMap<string, Made>, input: string): Made | undefined {
  const source = made.get(input);
  return (
    source && { values: pixelByPixel(source.values, source.order, shapeIn(graph, input)), order: 'pixels' }
  );
}

function channelsFirst(values: Float32Array, [height, width, channels]: Shape): Float32Array {
  const pixels = height * width;
  const result = new Float32Array(values.length);
  let from = 0;
  for (let p = 0; p < pixels; p++) for (let c = 0; c < channels; c++) result[c * pixels + p] = values[from++];
  return result;
}
