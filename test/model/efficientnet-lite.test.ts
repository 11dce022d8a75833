import { describe, expect, it } from 'vitest';
import { embeddingOf } from '../../src/model/architecture/architecture.ts';
import { parameterCount } from '../../src/model/architecture/parameters.ts';
import { multiplyAdds, shapesOf } from '../../src/model/architecture/shapes.ts';
import { EFFICIENTNET_LITE_VARIANTS, efficientNetLite } from '../../src/model/networks/efficientnet-lite.ts';

/** Of the networks as published with ImageNet weights (package efficientnet-lite-pytorch 0.1.0). */
const PUBLISHED = { 0: 4_652_008, 1: 5_416_680, 2: 6_092_072, 3: 8_197_096, 4: 13_006_568 };
/** Weights and biases of the first layer, which normalises the image. */
const NORMALISATION = 6;

const ofImageNet = { inputSize: 224, classes: 1000, headDropout: 0.2 };

describe('EfficientNet-Lite', () => {
  it.each(EFFICIENTNET_LITE_VARIANTS)('%i has as many parameters as the published one', (variant) => {
    const network = efficientNetLite({ variant, ...ofImageNet });
    expect(parameterCount(network)).toBe(PUBLISHED[variant] + NORMALISATION);
  });

  it('0 has 385 million multiply-adds at 224×224, and a 7×7 map before the mean', () => {
    const network = efficientNetLite({ variant: 0, ...ofImageNet });
    expect(Math.round(multiplyAdds(network) / 1e6)).toBe(385);
    expect(shapesOf(network).get('head.convolution.activation')).toEqual([7, 7, 1280]);
  });

  it('ends in a dense layer, so that its head can learn on a device', () => {
    expect(embeddingOf(efficientNetLite({ variant: 0, ...ofImageNet }))).toBe('head.dropout');
  });
});
