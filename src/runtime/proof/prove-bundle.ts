import { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { checkLateParts } from '../../model/bundle/late-parts.ts';
import { readBundle } from '../../model/bundle/read.ts';
import type { ProofItem } from '../../updates/install/contract.ts';
import type { Backend } from '../engine/contract.ts';
import { BACKENDS } from '../engine/registry.ts';
import { goldenItem, presentOf } from './golden-items.ts';
import { figureItems, holdOutItem } from './hold-out-items.ts';
import { latencyItem } from './latency-item.ts';
import { classesItem, learnedItem, replayOf } from './learned-items.ts';
import type { ProofJob, ProofLine } from './protocol.ts';

/**
 * Looks at all that a model must show on this device, and tells each thing when it is known. It changes nothing; what it
 * opens may bring this process down, which is why it has one of its own (prove-model.ts).
 * @param tell called with each line, in the protocol's order
 */
export async function proveBundle(
  job: ProofJob,
  tell: (line: ProofLine) => void,
  backends: readonly Backend[] = BACKENDS,
): Promise<void> {
  const present = presentOf(backends);
  const golden = present.map(({ kind }) => `golden.${kind}`);
  const figures = ['holdOut', 'balancedAccuracy', 'triageSensitivity'];
  tell({ plan: ['bundle', 'classes', ...golden, ...figures, 'latency', 'learned'] });
  const bundle = await opened(job.file);
  if (typeof bundle === 'string') {
    tell({ item: { name: 'bundle', passed: false, measured: null, required: `a whole bundle; ${bundle}` } });
    tell({ end: true });
    return;
  }
  tell({ item: { name: 'bundle', passed: true, measured: null, required: 'a whole bundle' } });
  for await (const item of itemsOf(bundle, job, present)) tell({ item });
  tell({ end: true });
}

async function* itemsOf(
  bundle: ModelBundle,
  { current: file, data, demands }: ProofJob,
  present: readonly Backend[],
): AsyncGenerator<ProofItem> {
  const found = file === null ? null : await opened(file);
  // One that cannot be read reports nothing that a new one would have to go on with.
  const current = typeof found === 'string' ? null : found;
  const replay = await replayOf(bundle, current, data, demands);
  yield classesItem(bundle, current, replay, demands);
  for (const backend of present) yield await goldenItem(backend, bundle, { current, present });
  yield holdOutItem(bundle, current);
  yield* figureItems(bundle, current, demands);
  yield await latencyOf(bundle, present, demands.proof?.latency);
  yield learnedItem(replay);
}

async function latencyOf(
  bundle: ModelBundle,
  present: readonly Backend[],
  bound: number | undefined,
): Promise<ProofItem> {
  const processor = present.find(({ kind }) => kind !== 'akida');
  const failed = (why: string) => ({ name: 'latency', passed: false, measured: null, required: why });
  if (processor === undefined) return failed('a processor that reads; none can be opened');
  try {
    return await latencyItem(processor, bundle, bound);
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return failed(`images that are read; ${error.describe()}`);
  }
}

/** The bundle with all its parts checked, or what is wrong with it. */
async function opened(file: string): Promise<ModelBundle | string> {
  try {
    const bundle = await readBundle(file);
    checkLateParts(bundle);
    return bundle;
  } catch (error) {
    if (error instanceof SpikescopeError) return error.describe();
    throw error;
  }
}
