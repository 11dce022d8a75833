import { SpikescopeError } from '../../errors.ts';
import { AKIDA1_DEVICES, akidaProgramOf } from '../../model/bundle/akida-programs-section.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { readBundle } from '../../model/bundle/read.ts';
import type { Backend, BackendName, Deviation, Engine, EngineOptions } from './contract.ts';
import { replayGolden } from './golden.ts';
import { BACKENDS, chooseBackend } from './registry.ts';
import { DEFAULT_MODEL, modelFile } from './shipped-models.ts';

/** What to know of a bundle whose conversion was told no names. */
const ASSUMED_CLASSES =
  'The names of the classes are assumed: nobody gave them at conversion. Convert again with --classes to confirm them.';

/** A bundle and the engine that has proved to reproduce its golden potentials. */
export interface OpenModel {
  readonly bundle: ModelBundle;
  /** The caller's to close. */
  readonly engine: Engine;
}

export interface OpenModelOptions extends EngineOptions {
  /** Default `auto`: the best one that is here and exact. */
  readonly backend?: 'auto' | BackendName;
  /** Told in one sentence, for people, when another backend than the best one serves, and what to
   * type, and when the names of the classes are a guess. */
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
  if (bundle.assumedClasses) onRemark?.(ASSUMED_CLASSES);
  return { bundle, engine: await openProved(backend, bundle, { deviation, ...options }) };
}

/**
 * Opens a bundle's graph on a backend and replays the golden inputs; an engine that fails them is closed again.
 * @throws RefusedError `BUNDLE_GOLDEN`, and as the backend's `open` and the engine's `infer`
 */
export async function openProved(
  backend: Backend,
  bundle: ModelBundle,
  { deviation = null, ...options }: EngineOptions & { readonly deviation?: Deviation | null } = {},
): Promise<Engine> {
  const engine = await openWithProgram(backend, bundle, options);
  try {
    await replayGolden(bundle, engine, deviation);
  } catch (error) {
    await engine.close();
    throw error;
  }
  return engine;
}

/** Which card is there, the native layer finds out: it refuses the program of another one before anything is written. */
async function openWithProgram(
  backend: Backend,
  bundle: ModelBundle,
  options: EngineOptions,
): Promise<Engine> {
  const { graph } = bundle;
  const programs = AKIDA1_DEVICES.map((device) => akidaProgramOf(bundle, device, 'backbone')).filter(
    (program) => program !== null,
  );
  for (const program of programs.slice(0, -1)) {
    try {
      return await backend.open(graph, { program, ...options });
    } catch (error) {
      if (!(error instanceof SpikescopeError && error.code === 'DEVICE_VERSION')) throw error;
    }
  }
  const last = programs.at(-1);
  return backend.open(graph, { ...(last !== undefined && { program: last }), ...options });
}
