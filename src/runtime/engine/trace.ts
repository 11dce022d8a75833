/** Every tensor that the engine computes, for holding it against another computation of the same graph. */
import type { IntegerGraph } from '../../model/graph.ts';
import type { Interpretation } from '../../model/interpreter/interpreter.ts';
import { fromNative, nativeAddon } from '../../native/addon.ts';

export interface Tracer {
  /** One image, uint8 of the graph's input shape, on the calling thread. */
  trace(image: Uint8Array): Interpretation;
  close(): Promise<void>;
}

/** On the processor. @throws as `createCpuEngine` */
export function createTracer(graph: IntegerGraph): Tracer {
  try {
    const engine = nativeAddon().createEngine(graph, { keepTensors: true });
    return {
      trace: (image) => {
        const { tensors, ...rest } = engine.trace(image);
        return { ...rest, tensors: new Map(Object.entries(tensors)) };
      },
      close: () => engine.close(),
    };
  } catch (error) {
    throw fromNative(error);
  }
}
