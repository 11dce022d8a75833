import { SpikescopeError } from '../../errors.ts';
import type { IntegerGraph } from '../../model/graph.ts';
import type { Inference } from '../../model/inference.ts';

/** `cpu`: the bit-exact integer engine. `akida`: the card. `interpreter`: the slow oracle. */
export type BackendName = 'cpu' | 'akida' | 'interpreter';

export interface InferOptions {
  /**
   * Arrays of exactly the batch's lengths that take the results and with which the promise resolves: then a call leaves no
   * array behind. They belong to the engine until the promise is settled.
   */
  readonly into?: Inference;
  /** Calls the inference off: before it begins, or, in a large batch, between images. */
  readonly signal?: AbortSignal;
}

/** A graph, packed for one backend and ready to run. */
export interface Engine {
  readonly backend: BackendName;
  /** Instruction set in use, for example `scalar`, `avx512vnni`, `neondot`. */
  readonly instructionSet: string;
  /** Bytes of working memory reserved at load. */
  readonly arenaBytes: number;
  /**
   * Runs `count` images laid out one after the other, each of the graph's input shape.
   * `inputs` is copied before `infer` returns.
   * Rejects with `SpikescopeError` (`INPUT_SIZE`, `OUTPUT_SIZE`, `ENGINE_CLOSED`, `ABORTED`).
   */
  infer(inputs: Uint8Array, count?: number, options?: InferOptions): Promise<Inference>;
  /** Frees the native memory; calls under way finish first. Later calls to `infer` reject with `ENGINE_CLOSED`. */
  close(): Promise<void>;
}

export interface EngineOptions {
  /** Refused with `INSTRUCTION_SET` when this processor lacks it. Default: the best that it has. */
  readonly instructionSet?: 'auto' | 'scalar' | 'avx2' | 'avx512vnni' | 'neon' | 'neondot';
  /** Images of one batch run on up to this many threads. Default 1. */
  readonly threads?: number;
}

/** Makes an engine of a validated graph. */
export type EngineFactory = (graph: IntegerGraph, options?: EngineOptions) => Promise<Engine>;

/** What a call rejects with whose signal has called it off; the signal's reason is its cause. */
export function calledOff({ reason }: AbortSignal): SpikescopeError {
  return new SpikescopeError('ABORTED', 'The inference was called off', { cause: reason });
}
