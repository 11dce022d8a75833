/**
 * QANA for Akida 1.0 (AKD1000, AKD1500), whole on the chip: the composed form of every ghost module, a dense 3×3
 * convolution, max pools, bounded activations, one dense layer. No gates, no sums, no concatenation: the chip has none.
 * The last block halves its map by a stride, since a max pool cannot stand before the dense layer there. Trained with
 * 4-bit weights and activations; 8-bit weights in the first layer, which reads the image's bytes.
 */

import type { Architecture } from '../architecture/architecture.ts';
import { ArchitectureBuilder } from '../architecture/builder.ts';

export interface QanaAkd1000Options {
  /** Side of the square RGB image, pixels; 5…256. */
  readonly inputSize: number;
  /** Filters of the input layer, then of each block; each block halves height and width. */
  readonly widths: readonly number[];
  readonly classes: number;
  /** Dropout rate before the head. */
  readonly headDropout: number;
}

export const QANA_AKD1000: QanaAkd1000Options = {
  inputSize: 64,
  widths: [32, 64, 128, 256, 256],
  classes: 7,
  headDropout: 0,
};

/** Upper bound of every activation: fifteen steps of 0.4 in four bits. */
const BOUND = 6;

export function qanaAkd1000(options: Partial<QanaAkd1000Options> = {}): Architecture {
  const { inputSize, widths, classes, headDropout } = { ...QANA_AKD1000, ...options };
  const [first, ...others] = widths;
  const net = new ArchitectureBuilder();
  net.scope('input');
  // InputConvolutional has no pool behind it here: a stride of 2 halves the map at a quarter of the work.
  const image = net.convolution('convolution', net.input, first, { stride: 2 });
  const spikes = net.relu('activation', net.batchNorm('norm', image), BOUND);
  const map = others.reduce((x, filters, index) => {
    net.scope(`block${index + 1}`);
    const isLast = index === others.length - 1;
    const features = net.convolution('convolution', x, filters, { stride: isLast ? 2 : 1 });
    const active = net.relu('activation', net.batchNorm('norm', features), BOUND);
    return isLast ? active : net.maxPool('pool', active);
  }, spikes);
  net.scope('head');
  const kept = net.dropout('dropout', map, headDropout);
  const logits = net.dense('logits', net.flatten('embedding', kept), classes);
  return net.build('qana-akd1000', [inputSize, inputSize, 3], logits);
}
