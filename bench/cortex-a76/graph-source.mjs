/** A graph as C++ that builds the engine's `Graph`, so that the driver needs no reader of bundles. */

const list = (values) => `{${Array.from(values).join(',')}}`;
const tensor = ({ shape, quantisation }) =>
  `{${list(shape)},${quantisation.zeroPoint},${quantisation.scale}}`;
const clamp = ({ minimum, maximum }) => `{${minimum},${maximum}}`;
const padding = ({ top, left, bottom, right }) => `{${top},${left},${bottom},${right}}`;
const requantisation = ({ multiplier, shift }) => `{${list(multiplier)},${list(shift)}}`;
const window = (node) => `{${[...node.kernel, ...node.stride].join(',')},${padding(node.padding)}}`;

const operations = {
  convolution: (node) =>
    `Convolution{${window(node)},${node.groups},${list(node.paddingValues)},${list(node.weights)},${list(node.bias)},${requantisation(node.requantisation)},${clamp(node.clamp)}}`,
  dense: (node) =>
    `Dense{${list(node.weights)},${list(node.bias)},${requantisation(node.requantisation)},${clamp(node.clamp)}}`,
  add: (node) => `Add{${list(node.multipliers)},${node.shift},${clamp(node.clamp)}}`,
  concat: () => 'Concat{{}}',
  multiply: (node) => `Multiply{${requantisation(node.requantisation)},${clamp(node.clamp)}}`,
  table: (node) => `Table{${list(node.table)}}`,
  averagePool: (node) =>
    `AveragePool{${window(node)},${requantisation(node.requantisation)},${clamp(node.clamp)}}`,
  maxPool: (node) => `MaxPool{${window(node)}}`,
  flatten: () => 'Flatten{}',
  pad: (node) => `Pad{${padding(node.padding)}}`,
};

function inputsOf(node) {
  if (node.op === 'add' || node.op === 'concat') return node.inputs;
  return node.op === 'multiply' ? [node.input, node.gate] : [node.input];
}

/** @param {import('../../src/model/graph.ts').IntegerGraph} graph */
export function graphSource({ input, nodes, head }) {
  const numbers = new Map([['input', 0], ...nodes.map(({ name }, i) => [name, i + 1])]);
  const lines = nodes.map((node, i) => {
    const inputs = list(inputsOf(node).map((name) => numbers.get(name)));
    return `  graph.nodes.push_back({"${i}",${inputs},${operations[node.op](node)},${tensor(node.output)}});`;
  });
  return [
    '#include "engine/graph.h"',
    'namespace spikescope {',
    'Graph make_graph();',
    'Graph make_graph() {',
    '  Graph graph;',
    `  graph.input = ${tensor(input)};`,
    ...lines,
    `  graph.head = {${numbers.get(head.input)},${list(head.weights)},${list(head.bias)}};`,
    '  return graph;',
    '}',
    '}  // namespace spikescope',
    '',
  ].join('\n');
}
