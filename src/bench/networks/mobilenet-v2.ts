import { type FeatureMap, NetworkBuilder } from './network-builder.ts';

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
  const builder = new NetworkBuilder(side, 21);
  let x = builder.relu6(builder.convolution(builder.image, { channels: 32, kernel: 3, stride: 2 }));
  for (const [expansion, channels, blocks, stride] of STAGES) {
    for (let block = 0; block < blocks; block++) {
      x = invertedResidual(builder, x, expansion, channels, block === 0 ? stride : 1);
    }
  }
  x = builder.relu6(builder.convolution(x, { channels: 1280, kernel: 1 }));
  return builder.encode(builder.dense(builder.flatten(builder.globalAverage(x)), classes));
}

function invertedResidual(
  builder: NetworkBuilder,
  input: FeatureMap,
  expansion: number,
  channels: number,
  stride: number,
): FeatureMap {
  const width = expansion * input.channels;
  const wide =
    expansion === 1 ? input : builder.relu6(builder.convolution(input, { channels: width, kernel: 1 }));
  const deep = builder.relu6(
    builder.convolution(wide, { channels: width, kernel: 3, stride, groups: width }),
  );
  const narrow = builder.convolution(deep, { channels, kernel: 1 });
  return stride === 1 && channels === input.channels ? builder.add(input, narrow) : narrow;
}
