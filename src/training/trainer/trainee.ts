/** A network under training: its variables, one step of the optimiser, and all that a checkpoint needs of them. */
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../model/architecture/architecture.ts';
import { parametersOf } from '../../model/architecture/parameters.ts';
import type { Arrays, OptimiserState, TrainedQuantisation } from '../../model/checkpoint/format.ts';
import { INPUT_NAME } from '../../model/graph.ts';
import { type AdamWSlot, adamWStep } from '../backend/operators.ts';
import { type Execution, logitsOf } from '../network/execute.ts';
import { fakeQuantiser } from '../network/quantiser.ts';
import { arrayOf, tensorOf } from '../network/tensors.ts';
import { muonStep } from './muon.ts';
import { RunningStatistics } from './running-statistics.ts';

export interface TraineeSettings {
  /** Decoupled weight decay of weights; biases, batch norms and steps have none. */
  readonly weightDecay: number;
  /** `muon` for the pointwise convolutions that do not read the image, AdamW for all else; or AdamW for all. */
  readonly optimiser: 'adamw' | 'muon';
  /** Which parameters learn; default all. */
  readonly learns?: (parameter: string) => boolean;
  readonly quantisation: TrainedQuantisation | null;
}

/** Where a training stands. `parameters` may hold steps beside what the architecture lists. */
export interface TraineeState {
  readonly parameters: Arrays;
  readonly statistics: Arrays;
  readonly averages: Arrays;
  readonly optimiser: OptimiserState;
}

export interface StepSettings {
  readonly learningRate: number;
  /** Highest decay of the averages; the first steps average over fewer. */
  readonly averageDecay: number;
  readonly seed: number;
}

const ADAMW = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8 };

export class Trainee {
  readonly architecture: Architecture;
  readonly #quantisation: TrainedQuantisation | null;
  /** In the order of the state's parameters. */
  readonly #slots: ReadonlyMap<string, AdamWSlot>;
  readonly #adamw: readonly AdamWSlot[];
  readonly #muon: readonly AdamWSlot[];
  readonly #weightDecay: number;
  readonly #statistics: RunningStatistics;
  #steps: number;

  constructor(architecture: Architecture, state: TraineeState, settings: TraineeSettings) {
    const { weightDecay, optimiser, learns = () => true, quantisation } = settings;
    this.architecture = architecture;
    this.#quantisation = quantisation;
    const decayed = new Set(
      parametersOf(architecture).flatMap(({ name, role }) => (role === 'weights' ? [name] : [])),
    );
    const { first, second, steps } = state.optimiser;
    this.#slots = new Map(
      Array.from(state.parameters, ([name, value]) => {
        const slot: AdamWSlot = {
          parameter: variableOf(value),
          firstMoment: variableOf(first.get(name) ?? zerosLike(value)),
          secondMoment: variableOf(second.get(name) ?? zerosLike(value)),
          average: variableOf(state.averages.get(name) ?? value),
          weightDecay: decayed.has(name) ? weightDecay : 0,
        };
        return [name, slot];
      }),
    );
    const matrices = optimiser === 'muon' ? pointwiseWeights(architecture) : new Set<string>();
    const learning = (wanted: (name: string) => boolean) =>
      [...this.#slots].filter(([name]) => learns(name) && wanted(name)).map(([, slot]) => slot);
    this.#adamw = learning((name) => !matrices.has(name));
    this.#muon = learning((name) => matrices.has(name));
    this.#weightDecay = weightDecay;
    this.#statistics = new RunningStatistics(state.statistics, state.averages);
    this.#steps = steps;
  }

  get steps(): number {
    return this.#steps;
  }

  /** One update. `lossOf` makes a scalar of the logits, [n, classes]. @returns the loss before the update */
  step(images: tf.Tensor, lossOf: (logits: tf.Tensor2D) => tf.Scalar, settings: StepSettings): number {
    this.#steps++;
    const averageDecay = Math.min(settings.averageDecay, (1 + this.#steps) / (10 + this.#steps));
    return tf.tidy(() => {
      const observed = this.#statistics.observer();
      const execution: Execution = {
        ...this.#execution((slot) => slot.parameter),
        training: { seed: settings.seed, observe: observed.observe },
      };
      const learning = [...this.#adamw, ...this.#muon];
      const { value, grads } = tf.variableGrads(
        () => {
          const loss = lossOf(logitsOf(execution, images));
          observed.keep();
          return loss;
        },
        learning.map(({ parameter }) => parameter),
      );
      this.#update(
        learning.map(({ parameter }) => grads[parameter.name]),
        { learningRate: settings.learningRate, averageDecay },
      );
      observed.absorb(averageDecay);
      return value.dataSync()[0];
    });
  }

  /** The logits that the averages give in inference, [n, classes]. Call it within `tf.tidy`. */
  answers(images: tf.Tensor): tf.Tensor2D {
    return logitsOf(
      this.#execution((slot) => slot.average),
      images,
    );
  }

  /** Copies of everything, ready for a checkpoint. */
  state(): TraineeState {
    const read = (of: (slot: AdamWSlot) => tf.Tensor): Arrays =>
      new Map(Array.from(this.#slots, ([name, slot]) => [name, arrayOf(of(slot))]));
    return {
      parameters: read((slot) => slot.parameter),
      statistics: this.#statistics.running(),
      averages: new Map([...read((slot) => slot.average), ...this.#statistics.averages()]),
      optimiser: {
        steps: this.#steps,
        first: read((slot) => slot.firstMoment),
        second: read((slot) => slot.secondMoment),
      },
    };
  }

  dispose(): void {
    for (const { parameter, firstMoment, secondMoment, average } of this.#slots.values()) {
      tf.dispose([parameter, firstMoment, secondMoment, average]);
    }
    this.#statistics.dispose();
  }

  #update(gradients: readonly tf.Tensor[], rates: Omit<StepSettings, 'seed'>): void {
    const count = this.#adamw.length;
    adamWStep(this.#adamw, gradients.slice(0, count), { ...ADAMW, ...rates, step: this.#steps });
    muonStep(
      this.#muon.map(({ parameter, firstMoment, average }) => ({
        parameter,
        momentum: firstMoment,
        average,
      })),
      gradients.slice(count),
      { ...rates, weightDecay: this.#weightDecay },
    );
  }

  #execution(choose: (slot: AdamWSlot) => tf.Tensor): Execution {
    const statistics = this.#statistics.averageTensors();
    const lookUp = (name: string) => {
      const slot = this.#slots.get(name);
      return slot === undefined ? statistics(name) : choose(slot);
    };
    const array = (name: string): tf.Tensor => {
      const tensor = lookUp(name);
      if (tensor === undefined) throw new RangeError(`No array is named ${name}`);
      return tensor;
    };
    const quantiser = this.#quantisation && fakeQuantiser(this.architecture, this.#quantisation, lookUp);
    return { architecture: this.architecture, array, training: null, quantiser };
  }
}

/** The state of a network whose arrays are `arrays`, before its first step. */
export function startingState(parameters: Arrays, statistics: Arrays): TraineeState {
  const averages: Arrays = new Map([...parameters, ...statistics]);
  return { parameters, statistics, averages, optimiser: { steps: 0, first: new Map(), second: new Map() } };
}

/** Weights of the 1×1 convolutions behind the first layer. */
function pointwiseWeights({ layers }: Architecture): ReadonlySet<string> {
  return new Set(
    layers.flatMap((layer) =>
      layer.op === 'convolution' && layer.kernel === 1 && layer.input !== INPUT_NAME
        ? [`${layer.name}/weights`]
        : [],
    ),
  );
}

type ArrayValue = Parameters<typeof tensorOf>[0];

function variableOf(array: ArrayValue): tf.Variable {
  const start = tensorOf(array);
  const variable = tf.variable(start);
  start.dispose();
  return variable;
}

function zerosLike({ shape, values }: ArrayValue): ArrayValue {
  return { shape, values: new Float32Array(values.length) };
}
