import { BACKEND_NAMES, type BackendName } from '../../backend-names.ts';
import { SpikescopeError, UsageError } from '../../errors.ts';
import type { Backend, Deviation } from './contract.ts';
import { interpreterBackend } from './interpreter.ts';
import { nativeBackend } from './native-engine.ts';

/** Backends written in TypeScript. Those of all other names are the native addon's, which may be built without them. */
const IN_TYPESCRIPT: readonly Backend[] = [interpreterBackend];

/** Every backend there can be, the one to prefer first. */
export const BACKENDS: readonly Backend[] = BACKEND_NAMES.map(
  (name) => IN_TYPESCRIPT.find(({ kind }) => kind === name) ?? nativeBackend(name),
);

export interface ChosenBackend {
  readonly backend: Backend;
  readonly deviation: Deviation | null;
  /** Where a better one is not here: one sentence on which serves instead and what to type; else null. */
  readonly remark: string | null;
}

/**
 * The backend of a name; for `auto` the first that is here and answers exactly as the interpreter does.
 * @throws SpikescopeError why it cannot be opened here: `ADDON_MISSING`, `ADDON_UNUSABLE`, `BACKEND_ABSENT`
 * @throws UsageError `BACKEND_UNKNOWN`
 */
export function chooseBackend(
  wanted: 'auto' | BackendName,
  backends: readonly Backend[] = BACKENDS,
): ChosenBackend {
  return wanted === 'auto' ? bestOf(backends) : named(wanted, backends);
}

function named(wanted: BackendName, backends: readonly Backend[]): ChosenBackend {
  const backend = backends.find(({ kind }) => kind === wanted);
  if (backend === undefined) {
    throw new UsageError('BACKEND_UNKNOWN', 'There is no backend of that name', {
      expected: ['auto', ...backends.map(({ kind }) => kind)].join(', '),
      received: wanted,
    });
  }
  const description = backend.describe();
  if (!description.present) throw description.fault;
  return { backend, deviation: description.deviation, remark: null };
}

function bestOf(backends: readonly Backend[]): ChosenBackend {
  let missed: SpikescopeError | null = null;
  for (const backend of backends) {
    const description = backend.describe();
    if (!description.present) missed ??= description.fault;
    else if (description.deviation === null) {
      return { backend, deviation: null, remark: missed && remarkOf(missed, backend, description.detail) };
    }
  }
  throw missed ?? new SpikescopeError('BACKEND_ABSENT', 'No backend answers exactly here');
}

function remarkOf({ message, details }: SpikescopeError, { kind }: Backend, detail: string): string {
  const place = details.file === undefined ? '' : ` (${details.file})`;
  const remedy = details.remedy === undefined ? '' : `; to mend it: ${details.remedy}`;
  return `${message}${place}, so the backend ${kind} serves, ${detail}${remedy}`;
}
