import { type ExtremumNode, elementCount, type SelectNode, type Shape } from '../graph.ts';

export function select(
  node: SelectNode,
  input: Uint8Array,
  [, inputWidth, inputChannels]: Shape,
): Uint8Array {
  const output = new Uint8Array(elementCount(node.output.shape));
  let at = 0;
  for (const row of node.rows) {
    for (const column of node.columns) {
      for (const channel of node.channels) {
        output[at++] = input[(row * inputWidth + column) * inputChannels + channel];
      }
    }
  }
  return output;
}

export function extremum({ kind }: ExtremumNode, inputs: readonly Uint8Array[]): Uint8Array {
  const better = kind === 'maximum' ? Math.max : Math.min;
  return inputs[0].map((_, i) => better(...inputs.map((values) => values[i])));
}

export function channelMaximum(input: Uint8Array, channels: number): Uint8Array {
  return Uint8Array.from({ length: input.length / channels }, (_, pixel) =>
    Math.max(...input.subarray(pixel * channels, (pixel + 1) * channels)),
  );
}
