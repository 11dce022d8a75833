import { RefusedError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Deviation, Engine } from './contract.ts';

/**
 * Runs the bundle's golden inputs on the engine that is about to serve it and compares potentials: bit for bit, or
 * within the deviation that the engine's backend declares.
 * @throws RefusedError `BUNDLE_GOLDEN` when one differs: the bundle or the engine cannot be trusted
 */
export async function replayGolden(
  { golden }: Pick<ModelBundle, 'golden'>,
  engine: Engine,
  deviation: Deviation | null = null,
): Promise<void> {
  const allowed = deviation?.potentials ?? 0;
  const { potentials: received } = await engine.infer(
    Buffer.concat(golden.map(({ input }) => input)),
    golden.length,
  );
  const tolerance = deviation === null ? '' : `, each within ${allowed} because ${deviation.reason}`;
  for (const [index, { potentials }] of golden.entries()) {
    const own = received.subarray(index * potentials.length, (index + 1) * potentials.length);
    if (!potentials.every((expected, i) => Math.abs(expected - own[i]) <= allowed)) {
      throw new RefusedError(
        'BUNDLE_GOLDEN',
        'The engine does not reproduce the bundle’s golden potentials',
        {
          field: `golden.${index}`,
          expected: `${potentials.join(', ')}${tolerance}`,
          received: own.join(', '),
          remedy: `do not use this bundle on the ${engine.backend} backend (${engine.instructionSet}); convert it again`,
        },
      );
    }
  }
}
