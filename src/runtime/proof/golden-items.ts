import { SpikescopeError } from '../../errors.ts';
import { akidaProgramOf } from '../../model/bundle/akida-programs-section.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { workOf } from '../../model/validate/budget.ts';
import type { ProofItem } from '../../updates/install/contract.ts';
import type { Backend, Deviation, Engine } from '../engine/contract.ts';
import { replayGolden } from '../engine/golden.ts';

/** Units of `workOf` that the interpreter is given beside an engine that serves: ten seconds on the development machine. */
const MOST_INTERPRETED = 2 ** 31;

/** The backends that are here; a card that cannot be opened is none that the model could be held to. */
export function presentOf(backends: readonly Backend[]): Backend[] {
  return backends.filter((backend) => backend.describe().present);
}

/** Golden inputs on one backend: the share of them of which the potentials are the bundle's, bit for bit. */
export async function goldenItem(
  backend: Backend,
  bundle: ModelBundle,
  { current, present }: { readonly current: ModelBundle | null; readonly present: readonly Backend[] },
): Promise<ProofItem> {
  const name = `golden.${backend.kind}`;
  const required = `all ${bundle.golden.length} golden inputs, bit for bit`;
  const said = (passed: boolean, measured: number | null, why: string): ProofItem => ({
    ...{ name, passed, measured },
    required: `${required}${why}`,
  });
  if (backend.kind === 'interpreter' && present.some(({ kind }) => kind === 'cpu')) {
    const isTooMuch = workOf(bundle.graph) * bundle.golden.length > MOST_INTERPRETED;
    if (isTooMuch) return said(true, null, '; too much work for the interpreter, which does not serve here');
  }
  const isCard = backend.kind === 'akida';
  const program = isCard ? akidaProgramOf(bundle, 'akd1000', 'backbone') : null;
  if (isCard && program === null) {
    const isLost = current !== null && akidaProgramOf(current, 'akd1000', 'backbone') !== null;
    const why = isLost ? ', and the model in use has one' : ': the processor reads, as it does now';
    return said(!isLost, null, `; the bundle has no program for this card${why}`);
  }
  try {
    const engine = await backend.open(bundle.graph, program === null ? {} : { program });
    try {
      const description = backend.describe();
      const share = await shareOf(engine, bundle, description.present ? description.deviation : null);
      return said(share === 1, share, '');
    } finally {
      await engine.close();
    }
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    // The appliance that reads now has the card: it replays the same inputs when it opens the model.
    if (error.code === 'DEVICE_BUSY')
      return said(true, null, '; the card is in use, so when it is opened next');
    return said(false, null, `; ${error.describe()}`);
  }
}

async function shareOf(engine: Engine, bundle: ModelBundle, deviation: Deviation | null): Promise<number> {
  if (await reproduces(engine, bundle, deviation)) return 1;
  let right = 0;
  for (const each of bundle.golden) if (await reproduces(engine, { golden: [each] }, deviation)) right++;
  // All together they were not: no share of one is left, whatever each by itself has given.
  return Math.min(right, bundle.golden.length - 1) / bundle.golden.length;
}

async function reproduces(
  engine: Engine,
  bundle: Pick<ModelBundle, 'golden'>,
  deviation: Deviation | null,
): Promise<boolean> {
  try {
    await replayGolden(bundle, engine, deviation);
    return true;
  } catch (error) {
    if (error instanceof SpikescopeError && error.code === 'BUNDLE_GOLDEN') return false;
    throw error;
  }
}
