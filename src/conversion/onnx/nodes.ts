import type { OnnxAttribute, OnnxNode } from './decode.ts';

interface Parts {
  readonly name: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute?: readonly OnnxAttribute[];
}

/** Whether an operator is of the standard, whose domain has two names. */
export function isStandard({ domain }: { readonly domain: string }): boolean {
  return domain === '' || domain === 'ai.onnx';
}

/** By tensor, the node that makes it. */
export function makersOf(nodes: readonly OnnxNode[]): ReadonlyMap<string, OnnxNode> {
  return new Map(nodes.flatMap((node) => node.output.map((output) => [output, node] as const)));
}

export function integerAttribute(name: string, i: number): OnnxAttribute {
  return { name, i, floats: [], ints: [], refAttrName: '' };
}

/** A node of the standard's operators that no file holds. */
export function nodeOf(opType: string, { name, input, output, attribute = [] }: Parts): OnnxNode {
  return {
    ...{ name, opType, domain: '', overload: '' },
    ...{ input: [...input], output: [...output], attribute: [...attribute] },
  };
}
