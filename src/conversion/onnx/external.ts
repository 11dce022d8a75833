/** Weights in files beside the model: read whole into it, from its own folder only, and no more than a model may have. */
import { open, realpath } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError, reasonOf } from '../../errors.ts';
import {
  MAXIMUM_MODEL_BYTES,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from './decode.ts';
import { isExternal, VALUE_BYTES } from './tensor.ts';

/** Where the bytes of a tensor lie. */
interface Place {
  readonly location: string;
  readonly offset: number;
  readonly bytes: number;
}

/**
 * The model with every external tensor inline. `file`: path of the model, in whose folder the data lie.
 * @throws RefusedError `ONNX_EXTERNAL_DATA`, `ONNX_DATA_TYPE`
 */
export async function withExternalData(model: OnnxModel, file: string): Promise<OnnxModel> {
  const { graph } = model;
  const inside = new ExternalFolder(path.dirname(file));
  const initializer = await inTurn(graph.initializer, (tensor) => inside.inline(tensor));
  const node = await withExternalConstants(graph, inside);
  return { ...model, graph: { ...graph, initializer, node } };
}

async function withExternalConstants({ node }: OnnxGraph, inside: ExternalFolder): Promise<OnnxNode[]> {
  return inTurn(node, async (each) => {
    if (!each.attribute.some(({ t }) => t !== undefined && isExternal(t))) return each;
    const attribute = await inTurn(each.attribute, async (entry) =>
      entry.t === undefined ? entry : { ...entry, t: await inside.inline(entry.t) },
    );
    return { ...each, attribute };
  });
}

async function inTurn<T, R>(items: readonly T[], each: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  for (const item of items) results.push(await each(item));
  return results;
}

class ExternalFolder {
  readonly #folder: string;
  #budget = MAXIMUM_MODEL_BYTES;

  constructor(folder: string) {
    this.#folder = folder;
  }

  async inline(tensor: OnnxTensor): Promise<OnnxTensor> {
    if (!isExternal(tensor)) return tensor;
    const place = placeOf(tensor);
    this.#budget -= place.bytes;
    if (this.#budget < 0) {
      throw refusal(tensor, `at most ${MAXIMUM_MODEL_BYTES} bytes of weights`, 'more');
    }
    const rawData = await this.#read(tensor, place);
    return { ...tensor, rawData, dataLocation: 0, externalData: [] };
  }

  async #read(tensor: OnnxTensor, { location, offset, bytes }: Place): Promise<Uint8Array<ArrayBuffer>> {
    const file = await this.#resolved(tensor, location);
    const handle = await open(file, 'r').catch((cause: unknown) => {
      throw refusal(tensor, `a readable file ${location} beside the model`, reasonOf(cause));
    });
    try {
      const status = await handle.stat();
      if (!status.isFile()) throw refusal(tensor, 'a regular file', `${location}, which is none`);
      if (offset + bytes > status.size) {
        throw refusal(tensor, `bytes ${offset}…${offset + bytes} of ${location}`, `${status.size} bytes`);
      }
      const contents = new Uint8Array(bytes);
      const { bytesRead } = await handle.read(contents, 0, bytes, offset);
      if (bytesRead !== bytes) throw refusal(tensor, `${bytes} bytes of ${location}`, `${bytesRead}`);
      return contents;
    } finally {
      await handle.close();
    }
  }

  /** The path behind all links, which must not leave the folder. */
  async #resolved(tensor: OnnxTensor, location: string): Promise<string> {
    const stays =
      location !== '' &&
      !location.includes('\0') &&
      !path.posix.isAbsolute(location) &&
      !path.win32.isAbsolute(location) &&
      !location.split(/[\\/]/).includes('..');
    if (!stays) throw refusal(tensor, 'a path below the folder of the model', JSON.stringify(location));
    try {
      const [folder, file] = await Promise.all([
        realpath(this.#folder),
        realpath(path.join(this.#folder, location)),
      ]);
      if (file.startsWith(folder + path.sep)) return file;
    } catch (cause) {
      throw refusal(tensor, `the file ${location} beside the model`, reasonOf(cause));
    }
    throw refusal(tensor, 'a file below the folder of the model', `${location}, a link that leads out`);
  }
}

/** @throws RefusedError `ONNX_EXTERNAL_DATA` where the numbers contradict the shape, `ONNX_DATA_TYPE` */
function placeOf(tensor: OnnxTensor): Place {
  const entries = new Map(tensor.externalData.map(({ key, value }) => [key, value]));
  const size = VALUE_BYTES[tensor.dataType];
  if (size === undefined) {
    throw new RefusedError(
      'ONNX_DATA_TYPE',
      'The converter does not read weights of this type from another file',
      {
        node: tensor.name,
        received: `type ${tensor.dataType}`,
        remedy: 'export the model in float32; the converter does the quantising',
      },
    );
  }
  const bytes = tensor.dims.reduce((product, extent) => product * extent, size);
  const offset = Number(entries.get('offset') ?? '0');
  const length = entries.has('length') ? Number(entries.get('length')) : bytes;
  if (!Number.isSafeInteger(offset) || offset < 0 || length !== bytes) {
    throw refusal(
      tensor,
      `an offset, and ${bytes} bytes for ${tensor.dims.join('×') || 'a scalar'}`,
      `offset ${entries.get('offset') ?? 'none'}, length ${entries.get('length') ?? 'none'}`,
    );
  }
  return { location: entries.get('location') ?? '', offset, bytes };
}

function refusal(tensor: OnnxTensor, expected: string, received: string): RefusedError {
  return new RefusedError('ONNX_EXTERNAL_DATA', 'Weights that lie in another file cannot be read', {
    node: tensor.name,
    expected,
    received,
    remedy:
      'keep the data file beside the model, or save the weights inline (onnx.save without save_as_external_data)',
  });
}
