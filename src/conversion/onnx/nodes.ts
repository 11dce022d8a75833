import type { OnnxAttribute, OnnxNode } from './decode.ts';

interface Parts {
  readonly name: string;
  readonly input: readonly string[];
  readonly output: readonly string[];
  readonly attribute?: readonly OnnxAttribute[];
}

/** A node of the standard's operators that no file holds. */
export function nodeOf(opType: string, { name, input, output, attribute = [] }: Parts): OnnxNode {
  return {
    ...{ name, opType, domain: '', overload: '' },
    ...{ input: [...input], output: [...output], attribute: [...attribute] },
  };
}
