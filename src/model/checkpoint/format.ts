/**
 * A checkpoint: everything that a training made and needs to go on, and all that conversion and export need.
 * Every random choice of a training follows from its seed and the number of the epoch and step, so these two are the
 * whole state of its randomness.
 */
import type { Architecture } from '../architecture/architecture.ts';
import type { Quantisation } from '../graph.ts';

export interface NamedArray {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** By the names of `parametersOf` and `statisticsOf`. */
export type Arrays = ReadonlyMap<string, NamedArray>;

/** Quantised values 0…`maximum` stand for scale × (q − zeroPoint); 255 is eight bits, 15 four. */
export interface ActivationQuantisation extends Quantisation {
  readonly maximum: number;
  /** Tensors of one group share one quantisation: a concatenation and its parts, a pool of maxima and its input. */
  readonly group: string;
}

/** A weight ≈ its scale × q, |q| ≤ `limit`; 127 is eight bits, 7 four. */
export interface WeightQuantisation {
  readonly limit: number;
  /** One per output, or one for all. */
  readonly scales: Float64Array;
}

/**
 * What quantisation-aware training settled on. It trains the folded network, whose tensors are those of the integer
 * graph: no batch norms, no dropout, every activation in its place.
 */
export interface TrainedQuantisation {
  /** Every tensor of the architecture that the integer graph stores, the image included; logits have none. */
  readonly activations: ReadonlyMap<string, ActivationQuantisation>;
  /** Every convolution and dense layer by name. */
  readonly weights: ReadonlyMap<string, WeightQuantisation>;
}

export interface OptimiserState {
  /** Steps taken. */
  readonly steps: number;
  /** Running means of gradients and of their squares, by parameter. */
  readonly first: Arrays;
  readonly second: Arrays;
}

export interface TrainingProgress {
  readonly seed: number;
  /** Epochs finished. */
  readonly epochs: number;
  /** Best validation so far, null before the first. */
  readonly best: { readonly epoch: number; readonly macroF1: number } | null;
  /** True where no further epoch is due: the last one was reached, or validation stopped improving. */
  readonly finished: boolean;
}

export interface Checkpoint {
  readonly architecture: Architecture;
  /** Class names in the order of the logits. */
  readonly classes: readonly string[];
  readonly parameters: Arrays;
  /** Running statistics of the batch norms. */
  readonly statistics: Arrays;
  /** Exponential moving averages of parameters and statistics; null where none are kept. */
  readonly averages: Arrays | null;
  readonly quantisation: TrainedQuantisation | null;
  /** Null in a checkpoint that is a result and not a point to go on from. */
  readonly optimiser: OptimiserState | null;
  readonly progress: TrainingProgress;
  /** Figures of the last epoch, such as `validation.macroF1`. */
  readonly metrics: Readonly<Record<string, number>>;
  /** The recipe that it was trained by, as JSON. */
  readonly recipe: unknown;
}

/** What a checkpoint answers with: the averages where it keeps them, else the last values. */
export function answeringArrays({ parameters, statistics, averages }: Checkpoint): Arrays {
  return new Map([...parameters, ...statistics, ...(averages ?? [])]);
}
