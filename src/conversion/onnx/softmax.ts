/** A softmax that is spelled out: exp(x) ÷ Σ exp(x), with or without the largest value taken off first. */
import type { OnnxNode } from './decode.ts';
import { makersOf, nodeOf } from './nodes.ts';

/** The same nodes, where each such quotient is one operator: what made it stays for whoever else reads it. */
export function withSoftmax(nodes: readonly OnnxNode[]): OnnxNode[] {
  const makers = makersOf(nodes);
  return nodes.map((node) => {
    const input = softmaxInput(node, makers);
    return input === null
      ? node
      : nodeOf('Softmax', { name: node.name, input: [input], output: node.output });
  });
}

/** What a quotient is the softmax of; null where it is another. */
function softmaxInput({ opType, input }: OnnxNode, makers: ReadonlyMap<string, OnnxNode>): string | null {
  if (opType !== 'Div') return null;
  const [powers, sum] = [makers.get(input[0]), makers.get(input[1])];
  if (powers?.opType !== 'Exp' || sum?.opType !== 'ReduceSum' || sum.input[0] !== input[0]) return null;
  const [exponents] = powers.input;
  const difference = makers.get(exponents);
  const largest = difference && makers.get(difference.input[1]);
  const isShifted =
    difference?.opType === 'Sub' &&
    largest?.opType === 'ReduceMax' &&
    largest.input[0] === difference.input[0];
  return isShifted ? difference.input[0] : exponents;
}
