/** The float graph run by onnxruntime, every tensor of it handed out. An optional package, of workstations alone. */
import type { InferenceSession } from 'onnxruntime-node';
import { INPUT_NAME, type Shape } from '../../model/graph.ts';
import { exportTensors } from '../export/float.ts';
import type { FloatGraph } from '../float/graph.ts';
import type { Activations } from './contract.ts';
import { realImage } from './real-image.ts';

/** Pixels that are moved at a time: what is written of them stays in the cache. */
const TILE = 16;

type Runtime = typeof import('onnxruntime-node');

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
  const shapes = new Map(graph.nodes.map(({ name, shape }) => [name, shape]));
  return {
    async observe(image, observer = () => {}) {
      const real = realImage(image);
      observer(INPUT_NAME, real);
      const pixels = channelsFirst(real, graph.inputShape);
      const feed = new runtime.Tensor('float32', pixels, [1, channels, height, width]);
      const results = await session.run({ [session.inputNames[0]]: feed });
      const made = new Map([[INPUT_NAME, real]]);
      for (const node of graph.nodes) {
        const tensor = tensors.get(node.name) ?? '';
        // A change of scale is nothing among real numbers: it is the image itself.
        const isImage = tensor === session.inputNames[0];
        const values = isImage ? real : valuesOf(results[tensor]?.data, shapes.get(node.name));
        const known = node.op === 'flatten' ? made.get(node.input) : values;
        if (known === undefined) continue;
        made.set(node.name, known);
        observer(node.name, known);
      }
      const output = made.get(graph.output);
      return Float64Array.from(graph.outputOrder, (index) => output?.[index] ?? Number.NaN);
    },
    close: () => session.release(),
  };
}

function valuesOf(data: unknown, shape: Shape | undefined): Float32Array | undefined {
  return data instanceof Float32Array && shape !== undefined ? channelsLast(data, shape) : undefined;
}

function channelsFirst(values: Float32Array, [height, width, channels]: Shape): Float32Array {
  const pixels = height * width;
  const result = new Float32Array(values.length);
  let from = 0;
  for (let p = 0; p < pixels; p++) for (let c = 0; c < channels; c++) result[c * pixels + p] = values[from++];
  return result;
}

function channelsLast(values: Float32Array, [height, width, channels]: Shape): Float32Array {
  const pixels = height * width;
  if (pixels === 1 || channels === 1) return values;
  const result = new Float32Array(values.length);
  for (let start = 0; start < pixels; start += TILE) {
    const end = Math.min(start + TILE, pixels);
    for (let c = 0; c < channels; c++)
      for (let p = start; p < end; p++) result[p * channels + c] = values[c * pixels + p];
  }
  return result;
}
