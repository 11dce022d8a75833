import { SpikescopeError } from '../../errors.ts';
import { nativeAddon } from '../../native/addon.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import type { Check } from './check.ts';

/** The addon loads, and the model answers its golden inputs on it. */
export const checkEngine: Check = async ({ model }) => {
  try {
    const sets = nativeAddon().instructionSets().join(', ');
    const { bundle, engine } = await openModel(model);
    await engine.close();
    const { name, version } = bundle;
    return {
      part: 'engine',
      state: 'works',
      detail: `${name} ${version} answers its golden inputs; instruction sets ${sets}`,
    };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return {
      part: 'engine',
      state: 'broken',
      detail: `${error.message} [${error.code}]`,
      remedy: error.details.remedy ?? 'npm run build',
    };
  }
};
