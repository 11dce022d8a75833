import type { Architecture } from '../../model/architecture/architecture.ts';
import { type Parameter, parametersOf, sizeOf, statisticsOf } from '../../model/architecture/parameters.ts';
import type { Arrays, NamedArray } from '../../model/checkpoint/format.ts';
import { seededRandom } from '../../random.ts';
import { seedOf } from '../trainer/seed.ts';

/**
 * Parameters and statistics before training: weights and biases uniform in ±1/√(inputs of an output), batch norms that
 * pass what they are given. Each layer draws from a seed of its own.
 */
export function initialArrays(
  architecture: Architecture,
  seed: number,
): { parameters: Arrays; statistics: Arrays } {
  const parameters = parametersOf(architecture);
  const fanIns = new Map(parameters.map((parameter) => [parameter.name, fanIn(parameter)]));
  return {
    parameters: new Map(
      parameters.map(({ name, layer, role, shape }, index): [string, NamedArray] => {
        const values = new Float32Array(sizeOf(shape));
        if (role === 'scale') values.fill(1);
        if (role === 'weights' || role === 'bias') {
          const bound = 1 / Math.sqrt(fanIns.get(`${layer}/weights`) ?? 1);
          const random = seededRandom(seedOf(seed, index));
          values.forEach((_, i) => {
            values[i] = bound * (2 * random() - 1);
          });
        }
        return [name, { shape, values }];
      }),
    ),
    statistics: new Map(
      statisticsOf(architecture).map(({ name, role, shape }): [string, NamedArray] => [
        name,
        { shape, values: new Float32Array(sizeOf(shape)).fill(role === 'variance' ? 1 : 0) },
      ]),
    ),
  };
}

/**
 * Inputs that each output sums: all extents but the output's; a depthwise layer's [row, column, channel, 1] sums a window.
 */
function fanIn({ shape }: Parameter): number {
  const inputs = shape.slice(0, -1);
  return shape.length === 4 && shape[3] === 1 ? inputs[0] * inputs[1] : sizeOf(inputs);
}
