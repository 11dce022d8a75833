import { NetworkBuilder } from './network-builder.ts';

/** Widths of the 3×3 convolutions between pools: half of VGG-11's (Simonyan and Zisserman 2015, table 1, column A). */
const STAGES = [[32], [64], [128, 128], [256, 256], [256, 256]];
const HIDDEN = 256;

/** A plain stack of 3×3 convolutions and max pools, two dense layers behind it. @returns ONNX */
export function vgg(side: number, classes: number): Promise<Uint8Array> {
  const builder = new NetworkBuilder(side, 11);
  let x = builder.image;
  for (const widths of STAGES) {
    for (const channels of widths) x = builder.relu(builder.convolution(x, { channels, kernel: 3 }));
    x = builder.maxPool(x, 2);
  }
  const hidden = builder.relu(builder.dense(builder.flatten(x), HIDDEN));
  return builder.encode(builder.dense(hidden, classes));
}
