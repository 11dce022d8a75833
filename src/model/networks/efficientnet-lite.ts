/**
 * EfficientNet-Lite: inverted residuals with bounded activations and without squeeze-and-excite, made for integers (Tan and
 * Le 2019, EfficientNet, table 1; the Lite variants of TensorFlow's model garden, 2020).
 */
import type { Architecture } from '../architecture/architecture.ts';
import { ArchitectureBuilder, type Tensor } from '../architecture/builder.ts';

export const EFFICIENTNET_LITE_VARIANTS = [0, 1, 2, 3, 4] as const;
export type EfficientNetLiteVariant = (typeof EFFICIENTNET_LITE_VARIANTS)[number];

export interface EfficientNetLiteOptions {
  readonly variant: EfficientNetLiteVariant;
  /** Side of the square RGB image, pixels. */
  readonly inputSize: number;
  readonly classes: number;
  /** Dropout rate before the head. */
  readonly headDropout: number;
}

/** Factors on the channels and on the blocks of a stage. */
const FACTORS: Readonly<Record<EfficientNetLiteVariant, readonly [width: number, depth: number]>> = {
  0: [1, 1],
  1: [1, 1.1],
  2: [1.1, 1.2],
  3: [1.2, 1.4],
  4: [1.4, 1.8],
};

/** Blocks, kernel, stride of the first block, expansion, channels. */
const STAGES: readonly (readonly [number, number, number, number, number])[] = [
  [1, 3, 1, 1, 16],
  [2, 3, 2, 6, 24],
  [2, 5, 2, 6, 40],
  [3, 3, 2, 6, 80],
  [3, 5, 1, 6, 112],
  [4, 5, 2, 6, 192],
  [1, 3, 1, 6, 320],
];
/** Of all variants alike. */
const STEM = 32;
const LAST = 1280;

/** The first layer normalises the image: weights from elsewhere expect (image − mean) / std. */
export function efficientNetLite({
  variant,
  inputSize,
  classes,
  headDropout,
}: EfficientNetLiteOptions): Architecture {
  const [width, depth] = FACTORS[variant];
  const net = new ArchitectureBuilder();
  const normalised = net.depthwise('normalisation', net.input, { kernel: 1, bias: true });
  net.scope('stem');
  let x = active(net, 'convolution', net.convolution('convolution', normalised, STEM, { stride: 2 }));
  let channels = STEM;
  STAGES.forEach(([blocks, kernel, stride, expansion, filters], stage) => {
    const isScaled = stage > 0 && stage < STAGES.length - 1;
    const outputs = roundedToEight(filters * width);
    for (let block = 0; block < (isScaled ? Math.ceil(blocks * depth) : blocks); block++) {
      net.scope(`stage${stage + 1}.block${block + 1}`);
      const step = block === 0 ? stride : 1;
      const residual = invertedResidual(net, x, {
        ...{ kernel, stride: step, wide: channels * expansion, isWidened: expansion > 1, outputs },
      });
      x = step === 1 && channels === outputs ? net.add('sum', [x, residual]) : residual;
      channels = outputs;
    }
  });
  net.scope('head');
  const last = active(net, 'convolution', net.pointwise('convolution', x, LAST));
  const pooled = net.dropout('dropout', net.globalMean('mean', last), headDropout);
  return net.build(
    `efficientnet-lite${variant}`,
    [inputSize, inputSize, 3],
    net.dense('logits', pooled, classes),
  );
}

interface Residual {
  readonly kernel: number;
  readonly stride: number;
  /** Channels between the two pointwise convolutions. */
  readonly wide: number;
  readonly isWidened: boolean;
  readonly outputs: number;
}

function invertedResidual(
  net: ArchitectureBuilder,
  x: Tensor,
  { kernel, stride, wide, isWidened, outputs }: Residual,
): Tensor {
  const widened = isWidened ? active(net, 'expand', net.pointwise('expand', x, wide)) : x;
  const spread = active(net, 'spread', net.depthwise('spread', widened, { kernel, stride }));
  return net.batchNorm('project.norm', net.pointwise('project', spread, outputs));
}

/** ReLU6(BN(·)). */
function active(net: ArchitectureBuilder, name: string, x: Tensor): Tensor {
  return net.relu(`${name}.activation`, net.batchNorm(`${name}.norm`, x), 6);
}

/** To the nearest multiple of eight that is not more than a tenth smaller. */
function roundedToEight(channels: number): number {
  const nearest = Math.max(8, Math.floor((channels + 4) / 8) * 8);
  return nearest < 0.9 * channels ? nearest + 8 : nearest;
}
