/** The float graph, run by onnxruntime: the yardstick of accuracy and of time. Workstation only. */
import { open, readFile } from 'node:fs/promises';
import path from 'node:path';
import type { InferenceSession, Tensor } from 'onnxruntime-node';
import { composeAndFold } from '../conversion/compose/choose.ts';
import { exportFloat } from '../conversion/export/float.ts';
import { importSource } from '../conversion/float-source.ts';
import type { Normalisation } from '../conversion/fold/input.ts';
import { RefusedError, reasonOf, SpikescopeError } from '../errors.ts';
import { isCheckpoint } from '../model/checkpoint/file.ts';

export interface FloatModel {
  /** File name. */
  readonly name: string;
  /** Runs prepared inputs; the output is n × classes. */
  run(inputs: PreparedInputs): Promise<Float32Array>;
  /**
   * uint8 RGB images, row, column, channel order, one after the other, as the graph wants them: float, NCHW, value/255,
   * normalised.
   */
  prepare(images: Uint8Array, count: number): PreparedInputs;
  close(): Promise<void>;
}

/** Images as the session takes them; opaque, made by `prepare`. */
export interface PreparedInputs {
  readonly feeds: Readonly<Record<string, Tensor>>;
  readonly count: number;
}

type Runtime = typeof import('onnxruntime-node');

/** @throws SpikescopeError `ONNXRUNTIME_MISSING` when the optional package is not installed */
export async function loadOnnxruntime(): Promise<Runtime> {
  try {
    return await import('onnxruntime-node');
  } catch (cause) {
    throw new SpikescopeError('ONNXRUNTIME_MISSING', 'onnxruntime-node is not installed here', {
      remedy: 'run `npm install onnxruntime-node`, or leave --float out',
      cause,
    });
  }
}

export interface FloatModelOptions {
  /**
   * Whether sums of 8-bit products must be exact. On x86 without VNNI onnxruntime's default kernels let them saturate at
   * sixteen bits, which is faster and in a quantised graph wrong. Default false.
   */
  readonly exactProducts?: boolean;
  /** What the file wants done to values of 0…1 outside of it. Default: nothing. */
  readonly normalisation?: Normalisation;
}

const AS_IT_IS: Normalisation = { mean: [0, 0, 0], std: [1, 1, 1] };

/**
 * @param model an ONNX file, its bytes, or a checkpoint of a training, which answers with its float graph
 * @param side of the square input, pixels
 * @param threads that one run may use
 * @param file name of the model in messages
 * @throws SpikescopeError `ONNXRUNTIME_MISSING`, RefusedError `FLOAT_MODEL`, `CHECKPOINT_*`
 */
export async function openFloatModel(
  model: string | Uint8Array,
  side: number,
  threads = 1,
  file = typeof model === 'string' ? model : 'exported.onnx',
  { exactProducts = false, normalisation = AS_IT_IS }: FloatModelOptions = {},
): Promise<FloatModel> {
  const runtime = await loadOnnxruntime();
  const options = sessionOptions(threads, exactProducts);
  const onnx = typeof model === 'string' ? await onnxOf(model) : model;
  let session: InferenceSession;
  try {
    // Two calls, because the overloads for a path and for bytes do not take their union.
    session = await (typeof onnx === 'string'
      ? runtime.InferenceSession.create(onnx, options)
      : runtime.InferenceSession.create(onnx, options));
  } catch (cause) {
    throw new RefusedError('FLOAT_MODEL', 'onnxruntime does not take this float model', {
      file,
      received: reasonOf(cause),
      remedy: 'give an ONNX model with one image input to --float',
      cause,
    });
  }
  const input = inputOf(session, side, file);
  return new OnnxModel(runtime, session, input, side, normalisation, file);
}

/** The path as it is, or a checkpoint's float graph as ONNX. */
async function onnxOf(file: string): Promise<string | Uint8Array> {
  const head = await firstBytes(file);
  if (head === null || !isCheckpoint(head)) return file;
  const { graph } = await importSource(await readFile(file), file);
  return exportFloat(composeAndFold(graph, 'keep'));
}

/** Null where the file cannot be read; who opens it next says why. */
async function firstBytes(file: string): Promise<Uint8Array | null> {
  const handle = await open(file).catch(() => null);
  if (handle === null) return null;
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(16), 0, 16, 0);
    return buffer.subarray(0, bytesRead);
  } catch {
    return null;
  } finally {
    await handle.close();
  }
}

function sessionOptions(threads: number, exactProducts: boolean): InferenceSession.SessionOptions {
  return {
    ...(exactProducts && { extra: { session: { x64quantprecision: '1' } } }),
    executionProviders: ['cpu'],
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
    executionMode: 'sequential',
    graphOptimizationLevel: 'all',
    logSeverityLevel: 3,
  };
}

function inputOf({ inputMetadata }: InferenceSession, side: number, file: string): string {
  const [input, ...others] = inputMetadata;
  const shape = input?.isTensor === true ? input.shape : [];
  const wanted = [3, side, side];
  const fits =
    shape.length === 4 &&
    wanted.every((size, i) => typeof shape[i + 1] !== 'number' || shape[i + 1] === size);
  if (input === undefined || others.length > 0 || !fits) {
    throw new RefusedError('FLOAT_MODEL', 'The float model does not read the images that the bundle reads', {
      file,
      expected: `one input [n, 3, ${side}, ${side}]`,
      received: inputMetadata
        .map((one) => `${one.name} [${one.isTensor ? one.shape.join(', ') : 'no tensor'}]`)
        .join('; '),
      remedy: 'give the float model that the bundle was converted from',
    });
  }
  return input.name;
}

class OnnxModel implements FloatModel {
  readonly name: string;
  readonly #runtime: Runtime;
  readonly #session: InferenceSession;
  readonly #input: string;
  readonly #side: number;
  readonly #normalisation: Normalisation;
  readonly #file: string;

  constructor(
    runtime: Runtime,
    session: InferenceSession,
    input: string,
    side: number,
    normalisation: Normalisation,
    file: string,
  ) {
    this.name = path.basename(file);
    this.#runtime = runtime;
    this.#session = session;
    this.#input = input;
    this.#side = side;
    this.#normalisation = normalisation;
    this.#file = file;
  }

  prepare(images: Uint8Array, count: number): PreparedInputs {
    const pixels = this.#side * this.#side;
    const { mean, std } = this.#normalisation;
    const values = new Float32Array(count * 3 * pixels);
    for (let n = 0; n < count; n++) {
      const image = n * 3 * pixels;
      for (let pixel = 0; pixel < pixels; pixel++) {
        for (let c = 0; c < 3; c++) {
          values[image + c * pixels + pixel] = (images[image + 3 * pixel + c] / 255 - mean[c]) / std[c];
        }
      }
    }
    const tensor = new this.#runtime.Tensor('float32', values, [count, 3, this.#side, this.#side]);
    return { feeds: { [this.#input]: tensor }, count };
  }

  async run({ feeds, count }: PreparedInputs): Promise<Float32Array> {
    const outputs = await this.#session.run({ ...feeds });
    const output = outputs[this.#session.outputNames[0]];
    if (!(output.data instanceof Float32Array) || output.data.length % count !== 0) {
      throw new RefusedError('FLOAT_MODEL', 'The float model does not answer with one float per class', {
        file: this.#file,
        received: `${output.type} [${output.dims.join(', ')}]`,
      });
    }
    return output.data;
  }

  async close(): Promise<void> {
    await this.#session.release();
  }
}
