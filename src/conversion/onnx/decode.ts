/** Bytes → the typed messages of an ONNX model. Everything that comes in is checked here, once. */
import { z } from 'zod';
import { RefusedError, reasonOf } from '../../errors.ts';
import { firstIssue } from '../../schema.ts';
import { modelType } from './schema.ts';

/** Far above any network for these processors. */
export const MAXIMUM_MODEL_BYTES = 512 * 2 ** 20;
/** Of a graph, its local functions written out. */
export const MAXIMUM_NODES = 2000;

const text = z.string().default('');
const list = <T extends z.ZodType>(item: T) => z.array(item).default([]);
const bytes = z.instanceof(Uint8Array);
/** Large arrays of numbers, which protobuf has already typed. */
const numbers = z
  .custom<readonly number[]>((value) => Array.isArray(value) && value.every((v) => typeof v === 'number'))
  .default([]);

const tensorSchema = z.object({
  name: text,
  dims: list(z.int().min(0)),
  dataType: z.int().default(0),
  floatData: numbers,
  int32Data: numbers,
  int64Data: numbers,
  doubleData: numbers,
  rawData: bytes.optional(),
  dataLocation: z.int().default(0),
  externalData: list(z.object({ key: text, value: text })),
});
export type OnnxTensor = z.infer<typeof tensorSchema>;

const attributeSchema = z.object({
  name: z.string().min(1),
  /** Any float32; who reads it says which it takes. */
  f: z.custom<number>((value) => typeof value === 'number').optional(),
  i: z.number().optional(),
  s: bytes.optional(),
  t: tensorSchema.optional(),
  floats: numbers,
  ints: numbers,
  /** Within a local function: the attribute of its caller that stands here. */
  refAttrName: text,
});
export type OnnxAttribute = z.infer<typeof attributeSchema>;

const nodeSchema = z.object({
  name: text,
  opType: z.string().min(1),
  domain: text,
  overload: text,
  input: list(z.string()),
  output: list(z.string()),
  attribute: list(attributeSchema),
});
export type OnnxNode = z.infer<typeof nodeSchema>;

const dimensionSchema = z.object({ dimValue: z.number().optional(), dimParam: z.string().optional() });
const valueSchema = z.object({
  name: z.string().min(1),
  type: z
    .object({
      tensorType: z
        .object({
          elemType: z.int().default(0),
          shape: z.object({ dim: list(dimensionSchema) }).optional(),
        })
        .optional(),
    })
    .optional(),
});
export type OnnxValue = z.infer<typeof valueSchema>;

const graphSchema = z.object({
  node: z.array(nodeSchema).min(1),
  initializer: list(tensorSchema),
  sparseInitializer: list(z.object({})),
  input: z.array(valueSchema).min(1),
  output: z.array(valueSchema).min(1),
  valueInfo: list(valueSchema),
});
export type OnnxGraph = z.infer<typeof graphSchema>;

const opsets = z.array(z.object({ domain: text, version: z.number().default(0) }));

const functionSchema = z.object({
  name: z.string().min(1),
  domain: text,
  overload: text,
  input: list(z.string()),
  output: list(z.string()),
  attributeProto: list(attributeSchema),
  opsetImport: opsets.default([]),
  node: list(nodeSchema),
});
export type OnnxFunction = z.infer<typeof functionSchema>;

const modelSchema = z.object({
  opsetImport: opsets.min(1),
  graph: graphSchema,
  functions: list(functionSchema),
});
export type OnnxModel = z.infer<typeof modelSchema>;

/**
 * @throws RefusedError `ONNX_EMPTY`, `ONNX_TOO_LARGE`, `ONNX_NOT_PROTOBUF` (damaged, cut short or another format),
 * `ONNX_INCOMPLETE` (a part that every model has is missing)
 */
export async function decodeModel(contents: Uint8Array, file: string): Promise<OnnxModel> {
  if (contents.length === 0) {
    throw new RefusedError('ONNX_EMPTY', 'The model file is empty', {
      file,
      remedy: 'export the model again',
    });
  }
  if (contents.length > MAXIMUM_MODEL_BYTES) {
    throw new RefusedError('ONNX_TOO_LARGE', 'The model file is too large', {
      file,
      expected: `at most ${MAXIMUM_MODEL_BYTES} bytes`,
      received: `${contents.length} bytes`,
    });
  }
  const type = await modelType();
  const parsed = modelSchema.safeParse(decodeMessages(contents, type, file));
  if (!parsed.success) {
    const { field, problem } = firstIssue(parsed.error);
    throw new RefusedError('ONNX_INCOMPLETE', 'The file is not a complete ONNX model', {
      file,
      field,
      received: problem,
      remedy: 'export the model again; the file may have been cut short',
    });
  }
  const { length } = parsed.data.graph.node;
  if (length > MAXIMUM_NODES) {
    throw new RefusedError('ONNX_TOO_LARGE', 'The graph has too many nodes', {
      file,
      expected: `at most ${MAXIMUM_NODES}`,
      received: `${length}`,
      remedy: 'run the exporter’s simplification first, or use a smaller network',
    });
  }
  return parsed.data;
}

function decodeMessages(
  contents: Uint8Array,
  type: Awaited<ReturnType<typeof modelType>>,
  file: string,
): unknown {
  try {
    return type.toObject(type.decode(contents), { longs: Number });
  } catch (cause) {
    throw new RefusedError('ONNX_NOT_PROTOBUF', 'The file is not ONNX, or it is damaged', {
      file,
      received: reasonOf(cause),
      remedy: 'export the model again, or copy it again from where it came from',
      cause,
    });
  }
}
