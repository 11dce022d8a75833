/** Tensors that must share one quantisation: parts and whole of a concatenation, what only moves values, and its source. */
import { INPUT_NAME } from '../../model/graph.ts';
import { freshName, withInputs } from '../float/edit.ts';
import {
  type FloatAdd,
  type FloatGraph,
  type FloatNode,
  floatInputsOf,
  sharesQuantisation,
} from '../float/graph.ts';

/** Name of the group's representative for every tensor. */
export type Groups = (tensor: string) => string;

export function groupsOf(graph: FloatGraph): Groups {
  const parent = new Map<string, string>();
  const find = (tensor: string): string => {
    let root = tensor;
    for (let up = parent.get(root); up !== undefined; up = parent.get(root)) root = up;
    return root;
  };
  for (const node of graph.nodes) {
    if (!sharesQuantisation(node)) continue;
    for (const input of floatInputsOf(node)) {
      const [a, b] = [find(input), find(node.name)];
      // The image's own quantisation is given, so it represents its group.
      if (a !== b) parent.set(a === INPUT_NAME ? b : a, a === INPUT_NAME ? a : b);
    }
  }
  return find;
}

/**
 * Puts a change of scale between the image and whatever joins it to other tensors: the image's quantisation cannot follow
 * theirs.
 */
export function separateImage(graph: FloatGraph): FloatGraph {
  const fromImage = new Set([INPUT_NAME]);
  const rescaled = new Map<string, string>();
  const nodes: FloatNode[] = [];
  for (const node of graph.nodes) {
    if (node.op === 'concat' || node.op === 'extremum') {
      for (const input of node.inputs) {
        if (!fromImage.has(input) || rescaled.has(input)) continue;
        const source = graph.nodes.find(({ name }) => name === input);
        const rescale: FloatAdd = {
          op: 'add',
          name: freshName(graph, `${input}.rescaled`),
          shape: source?.shape ?? graph.inputShape,
          sources: [],
          rewrites: [`change of scale before ${node.op === 'concat' ? 'a concatenation' : 'a comparison'}`],
          inputs: [input],
          clamp: null,
        };
        rescaled.set(input, rescale.name);
        nodes.push(rescale);
      }
      nodes.push(withInputs(node, (tensor) => rescaled.get(tensor) ?? tensor));
      continue;
    }
    if (sharesQuantisation(node) && floatInputsOf(node).some((input) => fromImage.has(input)))
      fromImage.add(node.name);
    nodes.push(node);
  }
  return { ...graph, nodes };
}
