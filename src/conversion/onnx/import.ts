/** ONNX model → float graph. Every fault of every node is found before anything is refused. */
import { RefusedError } from '../../errors.ts';
import { INPUT_NAME, type Shape } from '../../model/graph.ts';
import type { FloatGraph } from '../float/graph.ts';
import type { StatedQuantisation } from '../quantise/stated.ts';
import { Attributes } from './attributes.ts';
import type { Importer } from './context.ts';
import { ImportContext, type Operation, shapeOf } from './context.ts';
import { decodeModel, type OnnxGraph, type OnnxModel } from './decode.ts';
import { type Ending, endingOf, livingNodes, type Readout } from './ending.ts';
import { withExternalData } from './external.ts';
import { refuseFaults } from './faults.ts';
import { foldConstants } from './fold-constants.ts';
import { inlined } from './functions.ts';
import { type ImageInput, imageInput, opsetOf, requireStatedShape } from './interface.ts';
import { CHANNELS_LAST, importInLayout } from './layout.ts';
import { reshapeForOne } from './layout-reshape.ts';
import { identityOrder, requireLogits } from './logits.ts';
import { isStandard } from './nodes.ts';
import { importSoftmax } from './operators/activation.ts';
import { importAmongBytes } from './operators/quantised.ts';
import { IMPORTERS } from './operators/registry.ts';
import { importIdentity } from './operators/shape.ts';
import { inDataOrder, type LabelledNode, labelled, requireSingleMakers } from './order.ts';
import { spelledOut } from './quantised-operators.ts';
import { isOptimised, remedyFor, UNOPTIMISED } from './remedies.ts';
import { withSoftmax } from './softmax.ts';
import { type Constant, readTensor } from './tensor.ts';

export interface ImportedModel {
  readonly graph: FloatGraph;
  readonly opset: number;
  /** Nodes of the ONNX graph, constants aside. */
  readonly floatNodes: number;
  /** Scales and zero points that the file states; null where it is a float model. */
  readonly stated: StatedQuantisation | null;
  /** What the network itself makes of the logits at its end; it is left to the readout. */
  readonly readout: Readout;
  /** What was left out of the file, for people. */
  readonly notes: readonly string[];
  /** Whether the image goes in as bytes, so that the network itself knows their scale. */
  readonly takesBytes: boolean;
}

/** What the file leaves open. */
export interface OnnxOptions {
  /** Height and width of the image, where they are no numbers in the file. */
  readonly side?: number;
  /** Name of the tensor that holds the logits, where the network gives several answers. */
  readonly output?: string;
}

/**
 * Reads an ONNX model, opsets 9 to 24, one image in, one vector out. `file` names it in messages, and weights that it keeps
 * in files of their own lie in its folder.
 * @throws RefusedError `ONNX_*`; with several faulty nodes the message lists all of them
 */
export async function importOnnx(
  contents: Uint8Array,
  file: string,
  options: OnnxOptions = {},
): Promise<ImportedModel> {
  const model = await decodeModel(contents, file);
  try {
    return importModel(await withExternalData(model, file), options);
  } catch (error) {
    if (error instanceof RefusedError)
      throw new RefusedError(error.code, error.message, { file, ...error.details });
    throw error;
  }
}

function importModel(model: OnnxModel, { side, output: wanted }: OnnxOptions): ImportedModel {
  const opset = opsetOf(model);
  const own = inlined(model);
  const graph = { ...model.graph, node: withSoftmax(spelledOut(own)) };
  const all = labelled(graph.node);
  requireSingleMakers(graph, all);
  const input = imageInput(graph, side);
  const ending = endingOf(graph, wanted);
  // Before anything is left out, since a circle may hide what is alive.
  const alive = new Set(livingNodes(graph.node, ending));
  const ordered = inDataOrder(graph, all).filter(({ node }) => alive.has(node));

  const context = new ImportContext(
    opset,
    readInitializers(graph),
    new Set([ending.tensor, ending.readoutNode?.output[0] ?? '']),
  );
  defineImage(input, context);
  refuseFaults(importNodes(ordered, { context, ending, batch: input.batch }), ordered);

  const stated = ending.value === null ? graph.valueInfo : [...graph.valueInfo, ending.value];
  for (const value of stated) {
    const activation = context.findActivation(value.name);
    if (activation !== undefined) requireStatedShape(value, activation);
  }
  const logits = requireLogits(context.findActivation(ending.tensor), ending);
  const outputOrder = logits.order ?? identityOrder(logits.dims);
  return {
    graph: { inputShape: imageShape(input), nodes: context.nodes, output: logits.name, outputOrder },
    opset,
    stated: isSilent(context) ? null : context.stated,
    floatNodes: own.filter(({ opType }) => opType !== 'Constant').length,
    readout: ending.readout,
    notes: ending.notes,
    takesBytes: input.isBytes,
  };
}

/** Whether the file states no scale at all: of one that loses all of its own, too, is told what was kept. */
function isSilent({ stated: { activations, weights }, losesScales }: ImportContext): boolean {
  return activations.size + weights.size === 0 && !losesScales;
}

function imageShape({ dims, isChannelsLast }: ImageInput): Shape {
  return isChannelsLast ? [dims[1], dims[2], dims[3]] : shapeOf(dims);
}

/** Bytes are 255 times what the device's image stands for. */
function defineImage(input: ImageInput, context: ImportContext): void {
  const { name, dims, isChannelsLast, isBytes } = input;
  const layout = isChannelsLast ? { axes: CHANNELS_LAST } : {};
  let source = INPUT_NAME;
  if (isBytes) {
    const shape = imageShape(input);
    const label = `${name}, bytes`;
    const node = {
      name: label,
      opType: 'Cast',
      domain: '',
      overload: '',
      input: [],
      output: [],
      attribute: [],
    };
    const operation = { node, label, attributes: new Attributes(node, label) };
    const scale = new Float64Array(shape[2]).fill(255);
    const offset = new Float64Array(shape[2]);
    source = context.append(operation, { op: 'affine', input: INPUT_NAME, scale, offset }, shape);
  }
  context.define(name, { name: source, dims, order: null, ...layout });
}

function readInitializers(graph: OnnxGraph): Map<string, Constant> {
  if (graph.sparseInitializer.length > 0) {
    throw new RefusedError('ONNX_DATA_TYPE', 'Sparse weights have no place in this converter', {
      remedy: 'export the model with dense weights',
    });
  }
  return new Map(graph.initializer.map((tensor) => [tensor.name, readTensor(tensor, tensor.name)]));
}

interface Import {
  readonly context: ImportContext;
  readonly ending: Ending;
  /** Images that the file is made for at once; they count as one. */
  readonly batch: number;
}

function importNodes(nodes: readonly LabelledNode[], state: Import): RefusedError[] {
  const faults: RefusedError[] = [];
  for (const { node, label } of nodes) {
    const operation = { node, label, attributes: new Attributes(node, label) };
    try {
      importNode(operation, state);
    } catch (error) {
      if (!(error instanceof RefusedError)) throw error;
      faults.push(error);
      state.context.markUnknown(node);
    }
  }
  return faults;
}

function importNode(operation: Operation, { context, ending, batch }: Import): void {
  const { node, label } = operation;
  const ownDomain = isStandard(node);
  const importer = ownDomain ? importerOf(operation, ending, batch) : undefined;
  const dependsOnUnknown = context.dependsOnUnknown(node);
  if (ownDomain && !dependsOnUnknown && node.output[0] && foldConstants(operation, context)) return;
  if (importer === undefined) {
    const operator = ownDomain ? node.opType : `${node.domain}.${node.opType}`;
    const optimised = isOptimised(node.domain, node.opType);
    const reason = optimised
      ? 'is what onnxruntime made of the model for one machine'
      : 'has no integer form';
    throw new RefusedError('ONNX_OPERATOR', `${operator} ${reason}`, {
      node: label,
      received: operator,
      remedy: optimised ? UNOPTIMISED : remedyFor(node.opType),
    });
  }
  if (node.output.length === 0 || node.output[0] === '') {
    throw new RefusedError('ONNX_OPERANDS', `${node.opType} makes nothing`, { node: label });
  }
  if (dependsOnUnknown) {
    context.markUnknown(node);
    return;
  }
  const inLayout: Importer = (each, among) => importInLayout(each, among, importer);
  importAmongBytes(inLayout, operation, context);
}

function importerOf({ node }: Operation, ending: Ending, batch: number): Importer | undefined {
  if (node === ending.readoutNode) return node.opType === 'Sigmoid' ? importIdentity : importSoftmax;
  return node.opType === 'Reshape' ? reshapeForOne(batch) : IMPORTERS.get(node.opType);
}
