/** A mean before the answer, read by the head place by place. */
import { describe, expect, it } from 'vitest';
import { realImage } from '../../src/conversion/calibration/real-image.ts';
import { convertGraph } from '../../src/conversion/convert.ts';
import { evaluate } from '../../src/conversion/float/evaluate.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { measureAgreement } from '../../src/conversion/scrutiny/agreement.ts';
import { randomImages } from '../support/convert-onnx.ts';
import { OnnxSketch } from '../support/onnx-sketch.ts';

const CLASSES = 5;

/** Ends in a mean over side², and then in a dense layer, or with the mean. */
async function network(side: number, end: 'dense' | 'mean'): Promise<Uint8Array> {
  const s = new OnnxSketch({ side });
  const width = end === 'dense' ? 12 : CLASSES;
  const map = s.draw('Relu', [s.conv(s.image, 3, width, 3, { pads: [1, 1, 1, 1] })]);
  const vector = s.draw('Flatten', [s.draw('GlobalAveragePool', [map])]);
  return s.output(end === 'dense' ? s.linear(vector, width, CLASSES) : vector).encode();
}

const prepared = async (side: number, end: 'dense' | 'mean') => {
  const contents = await network(side, end);
  const [rounded, exact] = await Promise.all(
    [false, true].map((exactMean) => prepareModel(contents, 'mean.onnx', { exactMean })),
  );
  return { rounded, exact };
};

describe.each(['dense', 'mean'] as const)('a mean that ends in %s', (end) => {
  it.each([8, 10, 12, 32])('over a map of %i² is the same function of the image', async (side) => {
    const { rounded, exact } = await prepared(side, end);
    expect(exact.folded.nodes.at(-1)).toMatchObject({ op: 'dense', name: rounded.folded.output });
    for (const image of randomImages(3, side).map(realImage)) {
      const expected = Array.from(evaluate(rounded.folded, image));
      Array.from(evaluate(exact.folded, image)).forEach((logit, i) => {
        expect(logit).toBeCloseTo(expected[i], 6);
      });
    }
  });

  it.each([8, 32])('over a map of %i² costs less noise than one that is rounded', async (side) => {
    const images = randomImages(24, side);
    const set = { images, sha256: '0'.repeat(64), refused: [] };
    const { rounded, exact } = await prepared(side, end);
    const decibels = async (each: typeof exact) => {
      const { graph, context } = await convertGraph(each, set, { scheme: 'per-channel' });
      return (await measureAgreement(context.graph, graph, { images, isHeldOut: false })).decibels;
    };
    expect(await decibels(exact)).toBeGreaterThan(await decibels(rounded));
  });
});

it('is left as it is where the head would become large, and where no square divides the map', async () => {
  const large = new OnnxSketch({ side: 8 });
  const map = large.conv(large.image, 3, 1100, 1);
  const vector = large.draw('Flatten', [large.draw('GlobalAveragePool', [map])]);
  const contents = await large.output(large.linear(vector, 1100, CLASSES)).encode();
  const [odd, wide] = await Promise.all([
    prepareModel(await network(13, 'dense'), 'odd.onnx', { exactMean: true }),
    prepareModel(contents, 'large.onnx', { exactMean: true }),
  ]);
  for (const { folded } of [odd, wide]) {
    expect(folded.nodes.map(({ op }) => op)).toEqual(['convolution', 'averagePool', 'dense']);
  }
});
