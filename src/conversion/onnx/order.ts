/** Names and order of an ONNX graph's nodes, checked before any of them is read. */
import { printable, RefusedError } from '../../errors.ts';
import type { OnnxGraph, OnnxNode } from './decode.ts';

export interface LabelledNode {
  readonly node: OnnxNode;
  readonly label: string;
}

/**
 * The node's name, which goes into bundles and messages; where there is none, its operator and place in the file. What a
 * file says of a node is kept under its label, so that no two are the same.
 */
export function labelled(nodes: readonly OnnxNode[]): LabelledNode[] {
  const seen = new Map<string, number>();
  return nodes.map((node, index) => {
    const base = printable(node.name || `${node.opType}_${index}`);
    const count = (seen.get(base) ?? 0) + 1;
    seen.set(base, count);
    if (count === 1) return { node, label: base };
    const label = `${base}.${count}`;
    seen.set(label, seen.get(label) ?? 1);
    return { node, label };
  });
}

/** @throws RefusedError `ONNX_DUPLICATE_NAME` where two makers claim one tensor */
export function requireSingleMakers(graph: OnnxGraph, nodes: readonly LabelledNode[]): void {
  const makers = new Map<string, string>();
  const claim = (tensor: string, maker: string) => {
    const other = makers.get(tensor);
    if (other !== undefined) {
      throw new RefusedError('ONNX_DUPLICATE_NAME', 'Two parts of the model make a tensor of the same name', {
        node: maker,
        field: tensor,
        received: `also made by ${other}`,
        remedy: 'give every tensor a name of its own and export again',
      });
    }
    makers.set(tensor, maker);
  };
  for (const { name } of graph.initializer) claim(name, `initializer ${name}`);
  const stored = new Set(graph.initializer.map(({ name }) => name));
  for (const { name } of graph.input) if (!stored.has(name)) claim(name, `input ${name}`);
  for (const { node, label } of nodes) {
    for (const output of node.output) if (output !== '') claim(output, label);
  }
}

/**
 * The nodes, each after the makers of its inputs; the file's order is kept wherever it allows.
 * @throws RefusedError `ONNX_MISSING_TENSOR` for an input that nothing makes, `ONNX_CYCLE`
 */
export function inDataOrder(graph: OnnxGraph, nodes: readonly LabelledNode[]): LabelledNode[] {
  const known = new Set([...graph.input, ...graph.initializer].map(({ name }) => name));
  const made = new Set(nodes.flatMap(({ node }) => node.output));
  for (const { node, label } of nodes) {
    const missing = node.input.find((input) => input !== '' && !known.has(input) && !made.has(input));
    if (missing !== undefined) {
      throw new RefusedError(
        'ONNX_MISSING_TENSOR',
        'An input of a node is neither computed nor stored in the model',
        {
          node: label,
          field: missing,
          remedy: 'export the model with its weights inline',
        },
      );
    }
  }
  const ordered: LabelledNode[] = [];
  let waiting = [...nodes];
  while (waiting.length > 0) {
    const stuck: LabelledNode[] = [];
    for (const entry of waiting) {
      if (entry.node.input.every((input) => input === '' || known.has(input))) {
        for (const output of entry.node.output) known.add(output);
        ordered.push(entry);
      } else stuck.push(entry);
    }
    if (stuck.length === waiting.length) {
      throw new RefusedError('ONNX_CYCLE', 'The graph runs in a circle', {
        node: stuck.map(({ label }) => label).join(', '),
        remedy: 'unroll recurrent parts before export',
      });
    }
    waiting = stuck;
  }
  return ordered;
}
