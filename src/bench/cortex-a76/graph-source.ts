/** A graph as C++ that builds the engine's `Graph`, so that the driver needs no reader of bundles. */
import { type GraphNode, type IntegerGraph, inputsOf } from '../../model/graph.ts';

type Tensor = GraphNode['output'];
type Clamp = Extract<GraphNode, { op: 'dense' }>['clamp'];
type Padding = Extract<GraphNode, { op: 'pad' }>['padding'];
type Requantisation = Extract<GraphNode, { op: 'dense' }>['requantisation'];
type Window = Pick<Extract<GraphNode, { op: 'maxPool' }>, 'kernel' | 'stride' | 'padding'>;

const list = (values: Iterable<number | undefined>) => `{${Array.from(values).join(',')}}`;
const tensor = ({ shape, quantisation }: Tensor) =>
  `{${list(shape)},${quantisation.zeroPoint},${quantisation.scale}}`;
const clamp = ({ minimum, maximum }: Clamp) => `{${minimum},${maximum}}`;
const padding = ({ top, left, bottom, right }: Padding) => `{${top},${left},${bottom},${right}}`;
const requantisation = ({ multiplier, shift }: Requantisation) => `{${list(multiplier)},${list(shift)}}`;
const window = (node: Window) => `{${[...node.kernel, ...node.stride].join(',')},${padding(node.padding)}}`;

function operationOf(node: GraphNode): string {
  switch (node.op) {
    case 'convolution':
      return `Convolution{${window(node)},${node.groups},${list(node.paddingValues)},${list(node.weights)},${list(node.bias)},${requantisation(node.requantisation)},${clamp(node.clamp)}}`;
    case 'dense':
      return `Dense{${list(node.weights)},${list(node.bias)},${requantisation(node.requantisation)},${clamp(node.clamp)}}`;
    case 'add':
      return `Add{${list(node.multipliers)},${node.shift},${clamp(node.clamp)}}`;
    case 'concat':
      return 'Concat{{}}';
    case 'multiply':
      return `Multiply{${requantisation(node.requantisation)},${clamp(node.clamp)}}`;
    case 'table':
      return `Table{${list(node.table)}}`;
    case 'averagePool':
      return `AveragePool{${window(node)},${requantisation(node.requantisation)},${clamp(node.clamp)}}`;
    case 'maxPool':
      return `MaxPool{${window(node)}}`;
    case 'flatten':
      return 'Flatten{}';
    case 'pad':
      return `Pad{${padding(node.padding)}}`;
    case 'select':
      return `Select{${list(node.rows)},${list(node.columns)},${list(node.channels)}}`;
    case 'extremum':
      return `Extremum{${node.kind === 'maximum'}}`;
    case 'channelMaximum':
      return 'ChannelMaximum{}';
  }
}

export function graphSource({ input, nodes, head }: IntegerGraph): string {
  const numbers = new Map([['input', 0], ...nodes.map(({ name }, i) => [name, i + 1] as const)]);
  const lines = nodes.map((node, i) => {
    const inputs = list(inputsOf(node).map((name) => numbers.get(name)));
    return `  graph.nodes.push_back({"${i}",${inputs},${operationOf(node)},${tensor(node.output)}});`;
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
