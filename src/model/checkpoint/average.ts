import { RefusedError } from '../../errors.ts';
import { type Arrays, answeringArrays, type Checkpoint } from './format.ts';

/** A checkpoint and where it lies. */
export interface NamedCheckpoint {
  readonly file: string;
  readonly checkpoint: Checkpoint;
}

/**
 * One network whose every weight and running statistic is the mean of what the given ones answer with (Izmailov et al. 2018,
 * Averaging Weights Leads to Wider Optima; Wortsman et al. 2022, Model Soups). It is worth something only of networks that
 * were trained on from one another, or from the same weights.
 * @param networks two or more float networks of one architecture and the same classes
 * @throws RefusedError `CHECKPOINT_AVERAGE` naming the first that differs
 */
export function averageCheckpoints(networks: readonly [NamedCheckpoint, ...NamedCheckpoint[]]): Checkpoint {
  const [first] = networks;
  for (const network of networks) refuseOther(network, first);
  const answering = networks.map(({ checkpoint }) => answeringArrays(checkpoint));
  const mean = (arrays: Arrays): Arrays =>
    new Map(
      Array.from(arrays, ([name, { shape }]) => {
        const values = answering.map((one) => one.get(name)?.values ?? new Float32Array(0));
        return [name, { shape, values: values[0].map((_, i) => meanAt(values, i)) }];
      }),
    );
  const { architecture, classes, parameters, statistics, progress } = first.checkpoint;
  return {
    ...{ architecture, classes, parameters: mean(parameters), statistics: mean(statistics) },
    ...{ averages: null, quantisation: null, optimiser: null, metrics: {} },
    progress: { seed: progress.seed, epochs: progress.epochs, best: null, finished: true },
    recipe: { averageOf: networks.map(({ checkpoint }) => checkpoint.recipe) },
  };
}

function refuseOther({ file, checkpoint }: NamedCheckpoint, first: NamedCheckpoint): void {
  const same = (value: (checkpoint: Checkpoint) => unknown) =>
    JSON.stringify(value(checkpoint)) === JSON.stringify(value(first.checkpoint));
  if (checkpoint.quantisation !== null) throw unlike(file, 'a float network', 'a quantised one');
  if (!same(({ architecture }) => architecture)) {
    throw unlike(file, `the architecture of ${first.file}`, 'another architecture');
  }
  if (!same(({ classes }) => classes)) {
    throw unlike(file, first.checkpoint.classes.join(', '), checkpoint.classes.join(', '));
  }
}

function unlike(file: string, expected: string, received: string): RefusedError {
  return new RefusedError('CHECKPOINT_AVERAGE', 'Weights of different networks have no mean', {
    file,
    expected,
    received,
    remedy: 'give networks that were trained on from one another (`spikescope train --initial`)',
  });
}

function meanAt(values: readonly Float32Array[], index: number): number {
  return values.reduce((sum, one) => sum + one[index], 0) / values.length;
}
