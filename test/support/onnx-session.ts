/** Any ONNX file under onnxruntime, one image at a time, with every tensor in sight. */
import { modelType } from '../../src/conversion/onnx/schema.ts';
import { channelsFirst, onnxruntime } from './onnx.ts';
import { altered } from './onnx-surgery.ts';

export type Tensors = ReadonlyMap<string, Float32Array | Uint8Array>;

export interface OnnxSession {
  /** `image`: uint8, side × side × 3. @returns the outputs by name, each in ONNX's order */
  run(image: Uint8Array): Promise<Tensors>;
  close(): Promise<void>;
}

/** The file as the specification reads it, without rewrites. `alsoOut`: inner tensors of uint8 to see. */
export async function openOnnx(
  model: Uint8Array,
  side: number,
  alsoOut: readonly string[] = [],
): Promise<OnnxSession> {
  if (onnxruntime === null) throw new Error('onnxruntime-node is not installed');
  const runtime = onnxruntime;
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
      const real = Float32Array.from(image, (value) => value / 255);
      const values = channelsFirst(real, [side, side, 3]);
      const answers = await session.run({ image: new runtime.Tensor('float32', values, [1, 3, side, side]) });
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
