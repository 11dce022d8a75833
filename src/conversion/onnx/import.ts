/** ONNX model → float graph. Every fault of every node is found before anything is refused. */
import { RefusedError } from '../../errors.ts';
import { elementCount, INPUT_NAME } from '../../model/graph.ts';
import type { FloatGraph } from '../float/graph.ts';
import type { StatedQuantisation } from '../quantise/stated.ts';
import { Attributes } from './attributes.ts';
import { type Activation, ImportContext, type Operation, shapeOf } from './context.ts';
import { decodeModel, type OnnxGraph, type OnnxModel } from './decode.ts';
import { imageInput, opsetOf, requireStatedShape, singleOutput } from './interface.ts';
import { importAmongBytes } from './operators/quantised.ts';
import { IMPORTERS } from './operators/registry.ts';
import { inDataOrder, type LabelledNode, labelled, requireSingleMakers } from './order.ts';
import { remedyFor } from './remedies.ts';
import { type Constant, readTensor } from './tensor.ts';

/** As many as a bundle may name. */
const MAXIMUM_CLASSES = 4096;

export interface ImportedModel {
  readonly graph: FloatGraph;
  readonly opset: number;
  /** Nodes of the ONNX graph, constants aside. */
  readonly floatNodes: number;
  /** Scales and zero points that the file states; null where it is a float model. */
  readonly stated: StatedQuantisation | null;
}

/**
 * Reads an ONNX model, opsets 11 to 20, one image in, one vector out, weights inline.
 * `file` only names it in messages.
 * @throws RefusedError `ONNX_*`; with several faulty nodes the message lists all of them
 */
export async function importOnnx(contents: Uint8Array, file: string): Promise<ImportedModel> {
  const model = await decodeModel(contents, file);
  try {
    return importModel(model);
  } catch (error) {
    if (error instanceof RefusedError)
      throw new RefusedError(error.code, error.message, { file, ...error.details });
    throw error;
  }
}

function importModel(model: OnnxModel): ImportedModel {
  const { graph } = model;
  const opset = opsetOf(model);
  const nodes = labelled(graph.node);
  requireSingleMakers(graph, nodes);
  const input = imageInput(graph);
  const output = singleOutput(graph);
  const ordered = inDataOrder(graph, nodes);

  const context = new ImportContext(opset, readInitializers(graph), new Set([output.name]));
  context.define(input.name, { name: INPUT_NAME, dims: input.dims, order: null });
  refuseFaults(importNodes(ordered, context), ordered);

  for (const value of [...graph.valueInfo, output]) {
    const activation = context.findActivation(value.name);
    if (activation !== undefined) requireStatedShape(value, activation);
  }
  const logits = requireLogits(context.findActivation(output.name), output.name);
  const outputOrder = logits.order ?? identityOrder(logits.dims);
  return {
    graph: { inputShape: shapeOf(input.dims), nodes: context.nodes, output: logits.name, outputOrder },
    opset,
    stated: context.stated.activations.size === 0 ? null : context.stated,
    floatNodes: graph.node.filter(({ opType }) => opType !== 'Constant').length,
  };
}

function readInitializers(graph: OnnxGraph): Map<string, Constant> {
  if (graph.sparseInitializer.length > 0) {
    throw new RefusedError('ONNX_DATA_TYPE', 'Sparse weights have no place in this converter', {
      remedy: 'export the model with dense weights',
    });
  }
  return new Map(graph.initializer.map((tensor) => [tensor.name, readTensor(tensor, tensor.name)]));
}

function importNodes(nodes: readonly LabelledNode[], context: ImportContext): RefusedError[] {
  const faults: RefusedError[] = [];
  for (const { node, label } of nodes) {
    const operation = { node, label, attributes: new Attributes(node, label) };
    try {
      importNode(operation, context);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      faults.push(error);
      context.markUnknown(node);
    }
  }
  return faults;
}

function importNode(operation: Operation, context: ImportContext): void {
  const { node, label } = operation;
  const ownDomain = node.domain === '' || node.domain === 'ai.onnx';
  const importer = ownDomain ? IMPORTERS.get(node.opType) : undefined;
  if (importer === undefined) {
    const operator = ownDomain ? node.opType : `${node.domain}.${node.opType}`;
    throw new RefusedError('ONNX_OPERATOR', `${operator} has no integer form`, {
      node: label,
      received: operator,
      remedy: remedyFor(node.opType),
    });
  }
  if (node.output.length === 0 || node.output[0] === '') {
    throw new RefusedError('ONNX_OPERANDS', `${node.opType} makes nothing`, { node: label });
  }
  if (context.dependsOnUnknown(node)) context.markUnknown(node);
  else importAmongBytes(importer, operation, context);
}

/** One fault is thrown as it is; several are listed in one message, under the code of the first. */
function refuseFaults(faults: readonly RefusedError[], nodes: readonly LabelledNode[]): void {
  if (faults.length === 0) return;
  const counted = nodes.filter(({ node }) => node.opType !== 'Constant').length;
  const rate = 1 - faults.length / counted;
  const share = `conversion success rate ${rate.toFixed(3)}, ${faults.length} of ${counted} nodes`;
  if (faults.length === 1) {
    const [{ code, message, details }] = faults;
    throw new RefusedError(code, `${message} (${share})`, details);
  }
  const lines = faults.map(({ message, details }) => {
    const received = details.received ? `: received ${details.received}` : '';
    return `${details.node}: ${message}${received}${details.remedy ? `; ${details.remedy}` : ''}`;
  });
  throw new RefusedError(
    faults[0].code,
    `The model cannot be converted (${share}):\n  ${lines.join('\n  ')}\n`,
    {
      node: faults.map(({ details }) => details.node).join(', '),
    },
  );
}

function requireLogits(output: Activation | undefined, name: string): Activation {
  if (output === undefined) {
    throw new RefusedError('ONNX_OUTPUTS', 'Nothing in the graph makes its output', { field: name });
  }
  if (output.name === INPUT_NAME) {
    throw new RefusedError('ONNX_OUTPUTS', 'The network gives back its input', { field: name });
  }
  const count = elementCount(shapeOf(output.dims));
  if (count > MAXIMUM_CLASSES) {
    throw new RefusedError('ONNX_OUTPUTS', 'The network gives more values than a classifier has classes', {
      field: name,
      expected: `at most ${MAXIMUM_CLASSES}`,
      received: `${count}, [${output.dims.join(', ')}]`,
      remedy: 'export the classifier output, one value per class',
    });
  }
  return output;
}

function identityOrder(dims: readonly number[]): Int32Array {
  const [height, width, channels] = shapeOf(dims);
  // A map as output: ONNX lists it channel by channel.
  return Int32Array.from({ length: height * width * channels }, (_, i) => {
    const pixel = i % (height * width);
    return pixel * channels + Math.floor(i / (height * width));
  });
}
