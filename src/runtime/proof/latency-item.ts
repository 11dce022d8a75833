import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { ProofItem } from '../../updates/install/contract.ts';
import type { Backend, Engine } from '../engine/contract.ts';

const WARM_UP = 5;
/** Images of a series; its median counts. */
const IMAGES = 31;
/** Series at most: one that something else has slowed is no measure of the model. */
const SERIES = 3;

/** Median time of one image through the network on the processor, milliseconds: of the fastest series. */
export async function latencyItem(
  processor: Backend,
  bundle: ModelBundle,
  bound: number | undefined,
): Promise<ProofItem> {
  const engine = await processor.open(bundle.graph);
  let best = Number.POSITIVE_INFINITY;
  try {
    for (let i = 0; i < WARM_UP; i++) await timed(engine, bundle, i);
    for (let series = 0; series < SERIES && best > (bound ?? 0); series++) {
      const times: number[] = [];
      for (let i = 0; i < IMAGES; i++) times.push(await timed(engine, bundle, i));
      best = Math.min(best, times.toSorted((a, b) => a - b)[(IMAGES - 1) / 2]);
    }
  } finally {
    await engine.close();
  }
  const of = `median of ${IMAGES} images on the processor (${engine.instructionSet})`;
  return {
    name: 'latency',
    passed: bound === undefined || best <= bound,
    measured: Math.round(1000 * best) / 1000,
    required: bound === undefined ? `${of}: no bound is set` : `${of} of at most ${bound} ms`,
  };
}

async function timed(engine: Engine, { golden }: ModelBundle, i: number): Promise<number> {
  const { input } = golden[i % golden.length];
  const start = performance.now();
  await engine.infer(input, 1);
  return performance.now() - start;
}
