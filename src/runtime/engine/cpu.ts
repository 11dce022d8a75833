import type { EngineFactory } from './contract.ts';
import { openNative } from './native-engine.ts';

/**
 * The bit-exact integer engine on this processor.
 * @throws UsageError `INSTRUCTION_SET`, `THREADS`
 * @throws RefusedError `GRAPH_INVALID`, `GRAPH_ACCUMULATOR`, naming the node
 * @throws SpikescopeError `ADDON_MISSING`, `ADDON_UNUSABLE`, `OUT_OF_MEMORY`
 */
export const createCpuEngine: EngineFactory = (graph, options) => openNative('cpu', graph, options);
