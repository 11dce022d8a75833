/**
 * QANA: four ghost blocks with spatial attention, a spike-compatible transform with squeeze-and-excite, one dense layer
 * (QANA, §3).
 */

import type { Architecture } from '../architecture/architecture.ts';
import { ArchitectureBuilder, type Tensor } from '../architecture/builder.ts';

export interface QanaOptions {
  /** Side of the square RGB image, pixels. */
  readonly inputSize: number;
  /** Filters of each block; each block halves height and width. */
  readonly widths: readonly number[];
  /** Ghost modules; else dense 3×3 convolutions. */
  readonly ghost: boolean;
  /** SA-ECA masks in every block. */
  readonly spatialAttention: boolean;
  /** Squeeze-and-excite before the head. */
  readonly squeezeExcite: boolean;
  readonly classes: number;
  /** Dropout rate behind every block's first activation. */
  readonly dropout: number;
  /** Dropout rate before the head. */
  readonly headDropout: number;
}

export const QANA: QanaOptions = {
  inputSize: 64,
  widths: [32, 64, 128, 256],
  ghost: true,
  spatialAttention: true,
  squeezeExcite: true,
  classes: 7,
  dropout: 0,
  headDropout: 0,
};

/** Reduction of the squeeze-and-excite gate. */
const SQUEEZE = 16;

/** The paper's network, or with a switch off, a row of its ablation (Table IV). */
export function qana(options: Partial<QanaOptions> = {}): Architecture {
  const chosen = { ...QANA, ...options };
  const net = new ArchitectureBuilder();
  const map = chosen.widths.reduce((x, filters, index) => {
    net.scope(`block${index + 1}`);
    return block(net, x, filters, chosen);
  }, net.input);
  net.scope('transform');
  const spikes = spikeTransform(net, map, chosen.widths[chosen.widths.length - 1]);
  const gated = chosen.squeezeExcite
    ? squeezeExcite(net, spikes, chosen.widths[chosen.widths.length - 1])
    : spikes;
  net.scope('head');
  const embedding = net.flatten('embedding', net.dropout('dropout', gated, chosen.headDropout));
  const logits = net.dense('logits', embedding, chosen.classes);
  return net.build('qana', [chosen.inputSize, chosen.inputSize, 3], logits);
}

/** y = avgpool2×2(h + BN(pw(x))), h being masked features. */
function block(net: ArchitectureBuilder, x: Tensor, filters: number, options: QanaOptions): Tensor {
  const features = options.ghost ? ghost(net, x, filters) : net.convolution('convolution', x, filters);
  const active = net.relu('activation', net.batchNorm('norm', features), 6);
  const kept = net.dropout('dropout', active, options.dropout);
  const masked = options.spatialAttention ? spatialAttention(net, kept, filters) : kept;
  const shortcut = net.batchNorm('shortcut.norm', net.pointwise('shortcut', x, filters));
  return net.averagePool('pool', net.add('sum', [masked, shortcut]));
}

/** concat(a, b) with a = pw(x) and b = pw(dw(a)): linear, one dense 3×3 convolution in disguise. */
function ghost(net: ArchitectureBuilder, x: Tensor, filters: number): Tensor {
  const primary = net.pointwise('ghost.primary', x, filters / 2);
  const cheap = net.pointwise('ghost.cheap', net.depthwise('ghost.spread', primary), filters / 2);
  return net.concat('ghost', [primary, cheap]);
}

/** h ⊙ sigmoid(pw(BN(dw(h)))): a mask per pixel and channel. */
function spatialAttention(net: ArchitectureBuilder, h: Tensor, filters: number): Tensor {
  const spread = net.batchNorm('attention.norm', net.depthwise('attention.spread', h));
  const mask = net.sigmoid('attention.mask', net.pointwise('attention.mix', spread, filters));
  return net.multiply('attention', h, mask);
}

/** ReLU1(BN(pw(dw(·)))): bounded to 0…1, so that it is a spike rate. */
function spikeTransform(net: ArchitectureBuilder, x: Tensor, filters: number): Tensor {
  const mixed = net.pointwise('mix', net.depthwise('spread', x), filters);
  return net.relu('spikes', net.batchNorm('norm', mixed), 1);
}

/** x ⊙ sigmoid(W2 ReLU(W1 mean(x))). */
function squeezeExcite(net: ArchitectureBuilder, x: Tensor, filters: number): Tensor {
  const squeezed = net.dense('squeeze', net.globalMean('mean', x), filters / SQUEEZE, { bias: false });
  const excited = net.dense('excite', net.relu('squeeze.activation', squeezed), filters, { bias: false });
  return net.multiply('gated', x, net.sigmoid('gate', excited));
}
