import { describe, expect, it } from 'vitest';
import { parametersOf, statisticsOf } from '../../../src/model/architecture/parameters.ts';
import { answeringArrays, type NamedArray } from '../../../src/model/checkpoint/format.ts';
import { carriedStart } from '../../../src/training/network/carried-start.ts';
import { randomCheckpoint, tinyQana } from '../../support/architectures.ts';
import { Random } from '../../support/random.ts';

/** What `tinyQana` sees last of its 16×16 image: two blocks halve it twice. */
const [SIDE, CHANNELS, UNITS] = [4, 16, 2];
const HEAD = 'head.logits/weights';
const initial = randomCheckpoint();

function product({ values }: NamedArray, map: Float32Array): number[] {
  return Array.from({ length: UNITS }, (_, unit) =>
    map.reduce((sum, value, i) => sum + value * values[i * UNITS + unit], 0),
  );
}

/** Every place of a map as `times`² places. */
function stretched(map: Float32Array, times: number): Float32Array {
  const side = SIDE * times;
  return Float32Array.from({ length: side * side * CHANNELS }, (_, i) => {
    const [channel, place] = [i % CHANNELS, Math.floor(i / CHANNELS)];
    const [y, x] = [Math.floor(place / side), place % side].map((at) => Math.floor(at / times));
    return map[(y * SIDE + x) * CHANNELS + channel];
  });
}

describe('a training that goes on from a network of ours', () => {
  it('begins with its arrays where the images have the same size', () => {
    const architecture = tinyQana();
    const { parameters, statistics } = carriedStart(initial, architecture);
    const answering = answeringArrays(initial);
    expect([...parameters.keys()]).toEqual(parametersOf(architecture).map(({ name }) => name));
    expect([...statistics.keys()]).toEqual(statisticsOf(architecture).map(({ name }) => name));
    for (const [name, array] of [...parameters, ...statistics]) expect(array).toBe(answering.get(name));
  });

  it.each([2, 3])('answers a map that is stretched %i times as before', (times) => {
    const { parameters } = carriedStart(initial, tinyQana({ inputSize: 16 * times }));
    const map = Float32Array.from(new Random(times).bytes(SIDE * SIDE * CHANNELS));
    const before = product(answeringArrays(initial).get(HEAD) as NamedArray, map);
    const after = product(parameters.get(HEAD) as NamedArray, stretched(map, times));
    after.forEach((logit, unit) => {
      expect(logit).toBeCloseTo(before[unit], 2);
    });
  });

  it('is refused a network of other widths, and smaller images', () => {
    expect(() => carriedStart(initial, tinyQana({ widths: [4, 8] }))).toThrow(
      expect.objectContaining({ code: 'INITIAL' }),
    );
    expect(() => carriedStart(initial, tinyQana({ inputSize: 8 }))).toThrow(
      expect.objectContaining({ code: 'INITIAL', details: expect.objectContaining({ field: HEAD }) }),
    );
  });
});
