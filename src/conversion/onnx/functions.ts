/** Local functions of a model, written out where they are called. */
import { RefusedError } from '../../errors.ts';
import {
  MAXIMUM_NODES,
  type OnnxAttribute,
  type OnnxFunction,
  type OnnxModel,
  type OnnxNode,
} from './decode.ts';
import { isStandard } from './nodes.ts';

/**
 * The nodes of the graph, no local function among them. Names within a function stand behind that of its call.
 * @throws RefusedError `ONNX_CYCLE` where a function calls itself, `ONNX_TOO_LARGE`, `ONNX_OPSET`, `ONNX_OPERANDS`
 */
export function inlined(model: OnnxModel): OnnxNode[] {
  if (model.functions.length === 0) return model.graph.node;
  return new Inliner(model).expand(model.graph.node, []);
}

function keyOf({ domain, name, overload }: { domain: string; name: string; overload: string }): string {
  return [domain === 'ai.onnx' ? '' : domain, name, overload].join('\0');
}

class Inliner {
  readonly #functions: ReadonlyMap<string, OnnxFunction>;
  readonly #opset: number | undefined;
  #count = 0;
  #calls = 0;

  constructor({ functions, opsetImport }: OnnxModel) {
    this.#functions = new Map(functions.map((each) => [keyOf(each), each]));
    this.#opset = opsetImport.find(isStandard)?.version;
  }

  /** `active`: the functions that are being written out, outermost first. */
  expand(nodes: readonly OnnxNode[], active: readonly string[]): OnnxNode[] {
    return nodes.flatMap((node) => {
      const key = keyOf({ domain: node.domain, name: node.opType, overload: node.overload });
      const called = this.#functions.get(key);
      if (called === undefined) {
        this.#count++;
        this.#requireModest(node);
        return [node];
      }
      if (active.includes(key)) {
        throw new RefusedError('ONNX_CYCLE', 'A local function calls itself', {
          node: called.name,
          remedy: 'unroll recurrent parts before export',
        });
      }
      this.#calls++;
      this.#requireModest(node);
      this.#requireFit(called, node);
      return this.expand(this.#body(called, node), [...active, key]);
    });
  }

  #requireModest({ name, opType }: OnnxNode): void {
    if (this.#count <= MAXIMUM_NODES && this.#calls <= MAXIMUM_NODES) return;
    throw new RefusedError('ONNX_TOO_LARGE', 'The graph has too many nodes, its functions written out', {
      node: name || opType,
      expected: `at most ${MAXIMUM_NODES}`,
      received: 'more',
      remedy: 'run the exporter’s simplification first, or use a smaller network',
    });
  }

  #requireFit({ name, input, output, opsetImport }: OnnxFunction, node: OnnxNode): void {
    const opset = opsetImport.find(isStandard)?.version;
    if (opset !== undefined && opset !== this.#opset) {
      throw new RefusedError('ONNX_OPSET', 'A local function is written for another operator set', {
        node: name,
        expected: `opset ${this.#opset}, as the model`,
        received: `opset ${opset}`,
        remedy: 'inline the functions before conversion (onnx.inliner.inline_local_functions)',
      });
    }
    if (node.input.length <= input.length && node.output.length <= output.length) return;
    throw new RefusedError('ONNX_OPERANDS', 'A local function is called with more than it takes', {
      node: node.name || node.opType,
      expected: `${input.length} inputs, ${output.length} outputs`,
      received: `${node.input.length} and ${node.output.length}`,
    });
  }

  #body({ input, output, attributeProto, node }: OnnxFunction, call: OnnxNode): OnnxNode[] {
    const prefix = `${call.name || call.opType}#${this.#calls}`;
    const names = new Map<string, string>();
    // What a caller leaves out is left out within, too.
    input.forEach((name, index) => {
      names.set(name, call.input[index] ?? '');
    });
    output.forEach((name, index) => {
      // An input that is given back needs a node between, or its own name would have two makers.
      if (!input.includes(name)) names.set(name, call.output[index] || `${prefix}/${name}`);
    });
    const renamed = (name: string) => (name === '' ? '' : (names.get(name) ?? `${prefix}/${name}`));
    const given = new Map([...attributeProto, ...call.attribute].map((each) => [each.name, each]));
    const passes = output.flatMap((name, index): OnnxNode[] =>
      input.includes(name) && call.output[index] ? [identity(renamed(name), call.output[index])] : [],
    );
    const body = node.map((inner, index) => ({
      ...inner,
      name: `${prefix}/${inner.name || `${inner.opType}_${index}`}`,
      input: inner.input.map(renamed),
      output: inner.output.map(renamed),
      attribute: inner.attribute.flatMap((each) => resolved(each, given)),
    }));
    return [...body, ...passes];
  }
}

/** An attribute that names one of the caller's becomes that, under its own name; none where the caller leaves it out. */
function resolved(attribute: OnnxAttribute, given: ReadonlyMap<string, OnnxAttribute>): OnnxAttribute[] {
  if (attribute.refAttrName === '') return [attribute];
  const found = given.get(attribute.refAttrName);
  return found === undefined ? [] : [{ ...found, name: attribute.name }];
}

function identity(from: string, to: string): OnnxNode {
  return {
    name: '',
    opType: 'Identity',
    domain: '',
    overload: '',
    input: [from],
    output: [to],
    attribute: [],
  };
}
