import { RefusedError } from '../errors.ts';
import type { ModelBundle } from '../model/bundle/bundle.ts';
import type { Engine } from './engine.ts';

/**
 * Runs the bundle's golden inputs on the engine that is about to serve it and compares potentials bit for bit.
 * @throws RefusedError `BUNDLE_GOLDEN` when one differs: the bundle or the engine cannot be trusted
 */
export async function replayGolden(bundle: ModelBundle, engine: Engine): Promise<void> {
  for (const [index, { input, potentials }] of bundle.golden.entries()) {
    const inference = await engine.infer(input);
    if (!potentials.every((expected, i) => expected === inference.potentials[i])) {
      throw new RefusedError(
        'BUNDLE_GOLDEN',
        'The engine does not reproduce the bundle’s golden potentials',
        {
          field: `golden.${index}`,
          expected: potentials.join(', '),
          received: inference.potentials.join(', '),
          remedy: `do not use this bundle on the ${engine.backend} backend (${engine.instructionSet}); convert it again`,
        },
      );
    }
  }
}
