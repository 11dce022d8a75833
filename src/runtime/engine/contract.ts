import type { BackendName } from '../../backend-names.ts';
import { SpikescopeError } from '../../errors.ts';
import type { IntegerGraph } from '../../model/graph.ts';
import type { Inference } from '../../model/inference.ts';

export type { BackendName } from '../../backend-names.ts';

/** Instruction sets of the native engine; `auto` is the best that a processor has. */
export const INSTRUCTION_SETS = ['scalar', 'avx2', 'avx512vnni', 'neon', 'neondot'] as const;
export type InstructionSet = (typeof INSTRUCTION_SETS)[number];

/** What may be asked of one inference. */
export interface InferOptions {
  /**
   * Arrays of exactly the batch's lengths that take the results and with which the promise resolves: then a call leaves no
   * array behind. They belong to the engine until the promise is settled.
   */
  readonly into?: Inference;
  /** Aborts the inference: before it begins, or, in a large batch, between images. */
  readonly signal?: AbortSignal;
}

/** A graph, packed for one backend and ready to run. */
export interface Engine {
  readonly backend: BackendName;
  /** What of the backend runs the graph: an instruction set such as `avx512vnni`, or the card's name. */
  readonly instructionSet: string;
  /** Bytes of working memory reserved at load. */
  readonly arenaBytes: number;
  /**
   * Runs `count` images laid out one after the other, each of the graph's input shape.
   * `inputs` is copied before `infer` returns.
   * Rejects with `SpikescopeError` (`INPUT_SIZE`, `OUTPUT_SIZE`, `ENGINE_CLOSED`, `ABORTED`), and of a device
   * with `DEVICE_*`; after that every call rejects with `ENGINE_FAILED` until the graph is opened anew.
   */
  infer(inputs: Uint8Array, count?: number, options?: InferOptions): Promise<Inference>;
  /** Frees the native memory; calls under way finish first. Later calls to `infer` reject with `ENGINE_CLOSED`. */
  close(): Promise<void>;
}

/** How an engine is made. */
export interface EngineOptions {
  /** Refused with `INSTRUCTION_SET` when this processor lacks it. Default: the best that it has. */
  readonly instructionSet?: 'auto' | InstructionSet;
  /** Images of one batch run on up to this many threads. Default 1. */
  readonly threads?: number;
  /** Path of the card; default the one that `SPIKESCOPE_AKIDA_DEVICE` names, else the first found. Only cards heed it. */
  readonly device?: string;
  /** What a card is programmed with, which computes the graph's embedding. Only cards heed it, and need it. */
  readonly program?: DeviceProgram;
}

/** The two parts of a card's program, as the vendor's compiler writes them. */
export interface DeviceProgram {
  readonly info: Uint8Array;
  readonly data: Uint8Array;
}

/** Makes an engine of a validated graph. */
export type EngineFactory = (graph: IntegerGraph, options?: EngineOptions) => Promise<Engine>;

/** By how much a backend's answers may differ from the interpreter's. */
export interface Deviation {
  /** Why, in a sentence. */
  readonly reason: string;
  /** Largest difference of a potential. */
  readonly potentials: number;
}

/** What is here of a backend, or why it cannot be opened. */
export type BackendDescription =
  | {
      readonly present: true;
      /** For people: what of it is here. */
      readonly detail: string;
      /** Null: exactly the interpreter's integers. */
      readonly deviation: Deviation | null;
    }
  | { readonly present: false; readonly fault: SpikescopeError };

/** A kind of backend: all that opening a model asks of it. */
export interface Backend {
  readonly kind: BackendName;
  describe(): BackendDescription;
  readonly open: EngineFactory;
}

/** What a call rejects with that its signal aborted; the signal's reason is its cause. */
export function aborted({ reason }: AbortSignal): SpikescopeError {
  return new SpikescopeError('ABORTED', 'The inference was aborted', { cause: reason });
}
