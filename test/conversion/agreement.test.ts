import { describe, expect, it } from 'vitest';
import { convertGraph } from '../../src/conversion/convert.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { measureAgreement, requireAgreement } from '../../src/conversion/scrutiny/agreement.ts';
import { randomImages } from '../support/convert-onnx.ts';
import { OnnxSketch } from '../support/onnx-sketch.ts';

const images = randomImages(10, 8);

async function converted() {
  const sketch = new OnnxSketch();
  const map = sketch.draw('Relu', [sketch.conv(sketch.image, 3, 6)]);
  const bytes = await sketch.output(sketch.classify(map, 6, 3), ['n', 3]).encode();
  const prepared = await prepareModel(bytes, 'sketch.onnx');
  const { graph, context } = await convertGraph(
    prepared,
    { images, sha256: '', refused: [] },
    { scheme: 'per-channel' },
  );
  return { graph, folded: context.graph };
}

describe('the agreement of both networks', () => {
  it('is whole where the integers are right, and names every layer’s noise from the worst on', async () => {
    const { graph, folded } = await converted();
    const agreement = await measureAgreement(folded, graph, { images, isHeldOut: true });
    expect(agreement).toMatchObject({ images: 10, isHeldOut: true });
    expect(agreement.same).toBeGreaterThanOrEqual(9);
    expect(agreement.decibels).toBeGreaterThan(20);
    const decibels = agreement.worst.map((layer) => layer.decibels);
    expect(decibels).toEqual(decibels.toSorted((a, b) => a - b));
    requireAgreement(agreement, 0.9);
  });

  it('falls where they are wrong: the layer is named, and the bundle refused unless that much is accepted', async () => {
    const { graph, folded } = await converted();
    const [first, ...others] = graph.nodes;
    const spoilt = { ...first, ...('weights' in first && { weights: first.weights.map((w) => -w) }) };
    const agreement = await measureAgreement(
      folded,
      { ...graph, nodes: [spoilt, ...others], head: { ...graph.head, bias: graph.head.bias.map((b) => -b) } },
      { images, isHeldOut: true },
    );
    expect(agreement.worst.map(({ layer }) => layer)).toContain(first.name);
    const poor = { ...agreement, same: 8 };
    expect(() => requireAgreement(poor, 0.9)).toThrow(
      expect.objectContaining({ code: 'AGREEMENT', exitCode: 3 }),
    );
    requireAgreement(poor, 0.8);
  });
});
