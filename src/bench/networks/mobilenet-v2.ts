import { type FeatureMap, NetworkSketch } from './sketch.ts';

/** Expansion, channels, blocks, stride of the first block (Sandler et al. 2018, table 2). */
const STAGES: readonly (readonly [number, number, number, number])[] = [
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
];

/** MobileNet v2, width 1.0. @returns ONNX */
export function mobilenetV2(side: number, classes: number): Promise<Uint8Array> {
  const sketch = new NetworkSketch(side, 21);
  let x = sketch.relu6(sketch.convolution(sketch.image, { channels: 32, kernel: 3, stride: 2 }));
  for (const [expansion, channels, blocks, stride] of STAGES) {
    for (let block = 0; block < blocks; block++) {
      x = invertedResidual(sketch, x, expansion, channels, block === 0 ? stride : 1);
    }
  }
  x = sketch.relu6(sketch.convolution(x, { channels: 1280, kernel: 1 }));
  return sketch.encode(sketch.dense(sketch.flatten(sketch.globalAverage(x)), classes));
}

function invertedResidual(
  sketch: NetworkSketch,
  input: FeatureMap,
  expansion: number,
  channels: number,
  stride: number,
): FeatureMap {
  const width = expansion * input.channels;
  const wide =
    expansion === 1 ? input : sketch.relu6(sketch.convolution(input, { channels: width, kernel: 1 }));
  const deep = sketch.relu6(sketch.convolution(wide, { channels: width, kernel: 3, stride, groups: width }));
  const narrow = sketch.convolution(deep, { channels, kernel: 1 });
  return stride === 1 && channels === input.channels ? sketch.add(input, narrow) : narrow;
}
