import { BACKEND_NAMES } from '../../backend-names.ts';
import type { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { Accelerator, type AcceleratorChange, faultOf, isPassing, type Schedule } from './accelerator.ts';
import type { Backend, Engine } from './contract.ts';
import { openProved } from './open-model.ts';
import { BACKENDS, type ChosenBackend, chooseBackend } from './registry.ts';
import { DEFAULT_MODEL, modelFile } from './shipped-models.ts';

/** What may be asked for: `auto` is the card where it serves, else the processor; `akida` demands the card. */
export const WANTED_BACKENDS = ['auto', ...BACKEND_NAMES] as const;
export type WantedBackend = (typeof WANTED_BACKENDS)[number];

export interface OpenEnginesOptions {
  /** Default `auto`. */
  readonly backend?: WantedBackend;
  /** Called when the card has failed or serves again, also where it fails at once; must not throw. */
  readonly onChange: (change: AcceleratorChange) => void;
  /** Told in one sentence, for people, when another backend than the best one serves, and what to type. */
  readonly onRemark?: (sentence: string) => void;
  readonly schedule?: Schedule;
}

/** A bundle, the engine that serves to the end, and the card before it, where there is one. */
export interface OpenEngines {
  readonly bundle: ModelBundle;
  /** The caller's to close, as the accelerator is. Open from the start, so that nothing can be lacking when it is needed. */
  readonly engine: Engine;
  readonly accelerator: Accelerator | null;
  /** Where the card was looked for and does not serve: why, in a few words. */
  readonly withoutCard: string | null;
}

const CARD = 'akida';

/**
 * Reads a bundle and opens what reads with it, each proved by the golden inputs.
 * @param file its path, or the name of one that ships
 * @throws as `openModel`; with `akida` also what keeps the card from being opened
 */
export async function openEngines(
  file: string = DEFAULT_MODEL,
  options: OpenEnginesOptions,
  backends: readonly Backend[] = BACKENDS,
): Promise<OpenEngines> {
  const { backend: wanted = 'auto' } = options;
  const bundle = await readBundle(modelFile(file));
  if (wanted !== 'auto' && wanted !== CARD) return alone(bundle, chooseBackend(wanted, backends));
  const card = cardOf(wanted, backends);
  // What a card computes that is not the processor's integers, the processor cannot go on with.
  if ('backend' in card && card.deviation !== null) return alone(bundle, card);
  const others = backends.filter(({ kind }) => kind !== CARD);
  const chosen = chooseBackend('auto', others);
  if (chosen.remark !== null) options.onRemark?.(chosen.remark);
  const { engine } = await alone(bundle, chosen);
  try {
    if (!('backend' in card)) return { bundle, engine, accelerator: null, withoutCard: reasonWithout(card) };
    return { bundle, engine, ...(await withCard(bundle, card.backend, options)) };
  } catch (error) {
    await engine.close();
    throw error;
  }
}

async function alone(bundle: ModelBundle, { backend, deviation }: ChosenBackend): Promise<OpenEngines> {
  const engine = await openProved(backend, bundle, { deviation });
  return { bundle, engine, accelerator: null, withoutCard: null };
}

/** The card, or why there is none. @throws that, where the card was demanded */
function cardOf(wanted: 'auto' | typeof CARD, backends: readonly Backend[]): ChosenBackend | SpikescopeError {
  try {
    const card = chooseBackend(CARD, backends);
    if (wanted === CARD || card.deviation === null) return card;
    return faultOf(undefined);
  } catch (error) {
    if (wanted === CARD) throw error;
    return faultOf(error);
  }
}

async function withCard(
  bundle: ModelBundle,
  backend: Backend,
  { backend: wanted = 'auto', onChange, schedule }: OpenEnginesOptions,
): Promise<Pick<OpenEngines, 'accelerator' | 'withoutCard'>> {
  const open = () => openProved(backend, bundle);
  const first = await open().catch((error: unknown) => {
    if (wanted === CARD) throw error;
    return faultOf(error);
  });
  const isThere = !('code' in first) || isPassing(first);
  if (!isThere) return { accelerator: null, withoutCard: reasonWithout(first) };
  const accelerator = new Accelerator(first, {
    ...{ backend: backend.kind, bundle, open, onChange },
    ...(schedule && { schedule }),
  });
  return { accelerator, withoutCard: 'code' in first ? reasonWithout(first) : null };
}

function reasonWithout({ message, details, code }: SpikescopeError): string {
  // Nothing is wrong where there is no card: its absence is told without a code to look up.
  if (code === 'BACKEND_ABSENT') return details.received ?? message;
  return `${message}${details.received === undefined ? '' : `: ${details.received}`} [${code}]`;
}
