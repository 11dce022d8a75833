import { type FeatureMap, NetworkSketch } from './sketch.ts';

const WIDTHS = [64, 128, 256, 512];

/** ResNet-18 (He et al. 2016, table 1). @returns ONNX */
export function resnet18(side: number, classes: number): Promise<Uint8Array> {
  const sketch = new NetworkSketch(side, 18);
  const stem = sketch.relu(sketch.convolution(sketch.image, { channels: 64, kernel: 7, stride: 2 }));
  let x = sketch.maxPool(stem, 3, 1);
  WIDTHS.forEach((channels, stage) => {
    x = basicBlock(sketch, x, channels, stage === 0 ? 1 : 2);
    x = basicBlock(sketch, x, channels, 1);
  });
  return sketch.encode(sketch.dense(sketch.flatten(sketch.globalAverage(x)), classes));
}

function basicBlock(sketch: NetworkSketch, input: FeatureMap, channels: number, stride: number): FeatureMap {
  const first = sketch.relu(sketch.convolution(input, { channels, kernel: 3, stride }));
  const second = sketch.convolution(first, { channels, kernel: 3 });
  const keeps = stride === 1 && channels === input.channels;
  const shortcut = keeps ? input : sketch.convolution(input, { channels, kernel: 1, stride });
  return sketch.relu(sketch.add(shortcut, second));
}
