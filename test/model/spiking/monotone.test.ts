import { describe, expect, it } from 'vitest';
import { nodesWithoutSpikes } from '../../../src/model/spiking/monotone.ts';
import { convertOnnx, randomImages } from '../../support/convert-onnx.ts';
import { OnnxSketch } from '../../support/onnx-sketch.ts';

async function graphWith(activation: string) {
  const sketch = new OnnxSketch({ side: 8 });
  const map = sketch.draw('Mul', [sketch.conv(sketch.image, 3, 8, 3), sketch.scalar(8)]);
  const active = sketch.draw(activation, [map]);
  const bytes = await sketch.output(sketch.classify(active, 8, 5)).encode();
  return (await convertOnnx(bytes, randomImages(4, 8))).graph;
}

describe('which networks spike', () => {
  it.each(['Relu', 'Sigmoid', 'Tanh', 'LeakyRelu', 'HardSigmoid', 'Softplus'])('%s does', async (name) => {
    expect(nodesWithoutSpikes(await graphWith(name))).toEqual([]);
  });

  it.each(['HardSwish', 'Abs'])('%s rises and falls: its layer is named', async (name) => {
    expect(nodesWithoutSpikes(await graphWith(name))).toHaveLength(1);
  });
});
