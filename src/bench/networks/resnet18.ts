import { type FeatureMap, NetworkBuilder } from './network-builder.ts';

const WIDTHS = [64, 128, 256, 512];

/** ResNet-18 (He et al. 2016, table 1). @returns ONNX */
export function resnet18(side: number, classes: number): Promise<Uint8Array> {
  const builder = new NetworkBuilder(side, 18);
  const stem = builder.relu(builder.convolution(builder.image, { channels: 64, kernel: 7, stride: 2 }));
  let x = builder.maxPool(stem, 3, 1);
  WIDTHS.forEach((channels, stage) => {
    x = basicBlock(builder, x, channels, stage === 0 ? 1 : 2);
    x = basicBlock(builder, x, channels, 1);
  });
  return builder.encode(builder.dense(builder.flatten(builder.globalAverage(x)), classes));
}

function basicBlock(
  builder: NetworkBuilder,
  input: FeatureMap,
  channels: number,
  stride: number,
): FeatureMap {
  const first = builder.relu(builder.convolution(input, { channels, kernel: 3, stride }));
  const second = builder.convolution(first, { channels, kernel: 3 });
  const keeps = stride === 1 && channels === input.channels;
  const shortcut = keeps ? input : builder.convolution(input, { channels, kernel: 1, stride });
  return builder.relu(builder.add(shortcut, second));
}
