import { fileURLToPath } from 'node:url';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { readBundle } from '../../model/bundle/read.ts';
import type { Engine, EngineFactory, EngineOptions } from './contract.ts';
import { createCpuEngine } from './cpu.ts';
import { replayGolden } from './golden.ts';

/** The bundle that ships with the package and serves when none is named. */
export const DEFAULT_MODEL = fileURLToPath(new URL('../../../models/qana64.spikescope', import.meta.url));

/** A bundle and the engine that has proved to reproduce its golden potentials. */
export interface OpenModel {
  readonly bundle: ModelBundle;
  /** The caller's to close. */
  readonly engine: Engine;
}

/**
 * Reads a bundle, makes an engine of its graph and replays the golden inputs before anything trusts the two.
 * @throws RefusedError `BUNDLE_*`, `GRAPH_*`
 * @throws UsageError, SpikescopeError as the engine's factory
 */
export async function openModel(
  file: string = DEFAULT_MODEL,
  options: EngineOptions = {},
  createEngine: EngineFactory = createCpuEngine,
): Promise<OpenModel> {
  const bundle = await readBundle(file);
  const engine = await createEngine(bundle.graph, options);
  try {
    await replayGolden(bundle, engine);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return { bundle, engine };
}
