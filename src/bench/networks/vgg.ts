import { NetworkSketch } from './sketch.ts';

/** Widths of the 3×3 convolutions between pools: half of VGG-11's (Simonyan and Zisserman 2015, table 1, column A). */
const STAGES = [[32], [64], [128, 128], [256, 256], [256, 256]];
const HIDDEN = 256;

/** A plain stack of 3×3 convolutions and max pools, two dense layers behind it. @returns ONNX */
export function vgg(side: number, classes: number): Promise<Uint8Array> {
  const sketch = new NetworkSketch(side, 11);
  let x = sketch.image;
  for (const widths of STAGES) {
    for (const channels of widths) x = sketch.relu(sketch.convolution(x, { channels, kernel: 3 }));
    x = sketch.maxPool(x, 2);
  }
  const hidden = sketch.relu(sketch.dense(sketch.flatten(x), HIDDEN));
  return sketch.encode(sketch.dense(hidden, classes));
}
