import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { readBundle } from '../../model/bundle/read.ts';
import type { Backend, BackendName, Engine, EngineOptions } from './contract.ts';
import { replayGolden } from './golden.ts';
import { BACKENDS, chooseBackend } from './registry.ts';
import { DEFAULT_MODEL, modelFile } from './shipped-models.ts';

/** A bundle and the engine that has proved to reproduce its golden potentials. */
export interface OpenModel {
  readonly bundle: ModelBundle;
  /** The caller's to close. */
  readonly engine: Engine;
}

export interface OpenModelOptions extends EngineOptions {
  /** Default `auto`: the best one that is here and exact. */
  readonly backend?: 'auto' | BackendName;
  /** Told in one sentence, for people, when another backend than the best one serves, and what to type. */
  readonly onRemark?: (sentence: string) => void;
}

/**
 * Reads a bundle, opens its graph on a backend and replays the golden inputs before anything trusts the two.
 * @param file its path, or the name of one that ships
 * @throws RefusedError `BUNDLE_*`, `GRAPH_*`
 * @throws UsageError, SpikescopeError as `chooseBackend` and the backend's `open`
 */
export async function openModel(
  file: string = DEFAULT_MODEL,
  { backend: wanted = 'auto', onRemark, ...options }: OpenModelOptions = {},
  backends: readonly Backend[] = BACKENDS,
): Promise<OpenModel> {
  const bundle = await readBundle(modelFile(file));
  const { backend, deviation, remark } = chooseBackend(wanted, backends);
  if (remark !== null) onRemark?.(remark);
  const engine = await backend.open(bundle.graph, options);
  try {
    await replayGolden(bundle, engine, deviation);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return { bundle, engine };
}
