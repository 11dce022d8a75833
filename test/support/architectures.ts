/** Small networks with random arrays. */

import type { Architecture } from '../../src/model/architecture/architecture.ts';
import { parametersOf, sizeOf, statisticsOf } from '../../src/model/architecture/parameters.ts';
import type { Checkpoint, NamedArray } from '../../src/model/checkpoint/format.ts';
import { qana } from '../../src/model/networks/qana.ts';
import { Random } from './random.ts';

/** QANA with two narrow blocks on 16×16 images and two classes. */
export function tinyQana(options: Parameters<typeof qana>[0] = {}): Architecture {
  return qana({ inputSize: 16, widths: [4, 16], classes: 2, ...options });
}

/** Parameters and statistics, uniform around 0; scales and variances in 0.5…1.5. */
export function randomArrays(architecture: Architecture, seed = 1): Map<string, NamedArray> {
  const random = new Random(seed);
  return new Map(
    [...parametersOf(architecture), ...statisticsOf(architecture)].map(({ name, role, shape }) => {
      const centre = role === 'scale' || role === 'variance' ? 1 : 0;
      const values = Float32Array.from({ length: sizeOf(shape) }, () => centre + random.next() - 0.5);
      return [name, { shape, values }];
    }),
  );
}

/** A checkpoint of random arrays, as after one epoch. */
export function randomCheckpoint(architecture: Architecture = tinyQana(), seed = 1): Checkpoint {
  const arrays = randomArrays(architecture, seed);
  const pick = (list: readonly { readonly name: string }[]) =>
    new Map([...arrays].filter(([name]) => list.some((item) => item.name === name)));
  const parameters = pick(parametersOf(architecture));
  return {
    architecture,
    classes: Array.from({ length: 2 }, (_, c) => `class${c}`),
    parameters,
    statistics: pick(statisticsOf(architecture)),
    averages: randomArrays(architecture, seed + 1),
    quantisation: {
      activations: new Map([['input', { scale: 1 / 255, zeroPoint: 0, maximum: 255, group: 'input' }]]),
      weights: new Map([['head.logits', { limit: 127, scales: Float64Array.of(0.1, 0.1) }]]),
    },
    optimiser: { steps: 3, first: parameters, second: squared(parameters) },
    progress: { seed, epochs: 1, best: { epoch: 1, macroF1: 0.5 }, finished: false },
    metrics: { 'validation.macroF1': 0.5 },
    recipe: { epochs: 2 },
  };
}

/** As a mean of squares, which is never below 0. */
function squared(arrays: ReadonlyMap<string, NamedArray>): Map<string, NamedArray> {
  return new Map(
    Array.from(arrays, ([name, { shape, values }]) => [name, { shape, values: values.map((x) => x * x) }]),
  );
}
