/** Any ONNX file under onnxruntime, one image at a time, with every tensor in sight. */

import { modelType } from '../../src/conversion/onnx/schema.ts';
import type { Quantisation, Shape } from '../../src/model/graph.ts';
import { channelsFirst, onnxruntime } from './onnx.ts';
import { altered } from './onnx-surgery.ts';

export type Tensors = ReadonlyMap<string, Float32Array | Uint8Array>;

export interface OnnxSession {
  /** `image`: uint8 of `shape`. @returns the outputs by name, each in ONNX's order */
  run(image: Uint8Array): Promise<Tensors>;
  close(): Promise<void>;
}

/**
 * The file as the specification reads it, without rewrites. `shape`: of the image, or the side of a square one; `alsoOut`:
 * inner tensors of uint8 to see. The last one: what the image's bytes stand for.
 */
export async function openOnnx(
  model: Uint8Array,
  shape: number | Shape,
  alsoOut: readonly string[] = [],
  { scale, zeroPoint }: Quantisation = { scale: 1 / 255, zeroPoint: 0 },
): Promise<OnnxSession> {
  if (onnxruntime === null) throw new Error('onnxruntime-node is not installed');
  const runtime = onnxruntime;
  const [height, width, channels] = typeof shape === 'number' ? [shape, shape, 3] : shape;
  const opened = await altered(model, ({ graph }) => {
    for (const name of alsoOut) graph.output.push({ name, type: { tensorType: { elemType: 2 } } });
  });
  const session = await runtime.InferenceSession.create(opened, {
    intraOpNumThreads: 1,
    logSeverityLevel: 3,
    graphOptimizationLevel: 'disabled',
  });
  return {
    async run(image) {
      const real = Float32Array.from(image, (value) => (value - zeroPoint) * scale);
      const values = channelsFirst(real, [height, width, channels]);
      const answers = await session.run({
        image: new runtime.Tensor('float32', values, [1, channels, height, width]),
      });
      return new Map(
        Object.entries(answers).map(([name, { data }]) => {
          if (data instanceof Float32Array || data instanceof Uint8Array) return [name, data];
          throw new TypeError(`${name} holds neither floats nor bytes`);
        }),
      );
    },
    close: () => session.release(),
  };
}

export interface OnnxOutline {
  readonly opset: number;
  readonly operators: readonly string[];
}

/** What a file is made of. */
export async function outlineOf(model: Uint8Array): Promise<OnnxOutline> {
  const type = await modelType();
  const { opsetImport, graph } = type.toObject(type.decode(model), { longs: Number });
  return {
    opset: opsetImport[0].version,
    operators: graph.node.map(({ opType }: { opType: string }) => opType),
  };
}
