import { RefusedError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Engine } from './contract.ts';

/**
 * Runs the bundle's golden inputs on the engine that is about to serve it and compares potentials bit for bit.
 * @throws RefusedError `BUNDLE_GOLDEN` when one differs: the bundle or the engine cannot be trusted
 */
export async function replayGolden(bundle: ModelBundle, engine: Engine): Promise<void> {
  const { golden } = bundle;
  const { potentials: received } = await engine.infer(
    Buffer.concat(golden.map(({ input }) => input)),
    golden.length,
  );
  for (const [index, { potentials }] of golden.entries()) {
    const own = received.subarray(index * potentials.length, (index + 1) * potentials.length);
    if (!potentials.every((expected, i) => expected === own[i])) {
      throw new RefusedError(
        'BUNDLE_GOLDEN',
        'The engine does not reproduce the bundle’s golden potentials',
        {
          field: `golden.${index}`,
          expected: potentials.join(', '),
          received: own.join(', '),
          remedy: `do not use this bundle on the ${engine.backend} backend (${engine.instructionSet}); convert it again`,
        },
      );
    }
  }
}
