import { SpikescopeError } from '../../errors.ts';
import { readOverlay } from '../../runtime/appliance/settings/overlay.ts';
import { DEFAULT_MODEL } from '../../runtime/engine/shipped-models.ts';
import { proveModel } from '../../runtime/proof/prove-model.ts';
import type { ProofItem, Prove } from '../../updates/install/contract.ts';
import { proveApplication } from '../../updates/install/prove-application.ts';
import { DEVICE_PLACES } from '../../updates/system/places.ts';
import { proveSystem } from '../../updates/system/prove-system.ts';

export interface ProvingDevice {
  readonly data: string;
  /** The bundle of the model that is installed and serves; null for the one that came with the program. */
  readonly model: string | null;
}

/** How this device proves a release of each kind. */
export function proverFor({ data, model }: ProvingDevice): Prove {
  return async (candidate, onStep) => {
    switch (candidate.release.kind) {
      case 'model':
        return proveModel(candidate, { current: model ?? DEFAULT_MODEL, data, onStep });
      case 'application':
        return proveApplication(candidate, onStep, model === null ? {} : { model });
      case 'system':
        return proveSystem(candidate, { data, places: DEVICE_PLACES, onStep });
      case 'configuration': {
        const item = configurationItem(candidate.path);
        onStep(1, 1);
        return { passed: item.passed, items: [item] };
      }
    }
  };
}

function configurationItem(file: string): ProofItem {
  const item = { name: 'settings', measured: null, required: 'settings of this version' };
  try {
    readOverlay(file);
    return { ...item, passed: true };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return { ...item, passed: false, required: `${item.required}; ${error.describe()}` };
  }
}
