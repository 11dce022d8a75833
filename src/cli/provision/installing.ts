/** What puts releases into use on this device, for the commands that bring them. */
import { randomUUID } from 'node:crypto';
import { identityOf } from '../../model/bundle/bundle.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { DEFAULT_MODEL } from '../../runtime/engine/shipped-models.ts';
import { unpack } from '../../updates/install/application-tree.ts';
import type { StageProgress } from '../../updates/install/contract.ts';
import { Installed } from '../../updates/install/installed.ts';
import { Installer } from '../../updates/install/installer.ts';
import { slotPath } from '../../updates/install/slots.ts';
import type { Source } from '../../updates/source/source.ts';
import { DEVICE_PLACES } from '../../updates/system/places.ts';
import { systemSlots } from '../../updates/system/system-slots.ts';
import type { DeviceWork } from './device-options.ts';
import { proverFor } from './prover.ts';
import type { OpenInstalling } from './pull.ts';

export interface InstallingOptions extends DeviceWork {
  readonly source: Source;
  readonly onProgress: (progress: StageProgress) => void;
  /** A person asks for what was refused before. */
  readonly again?: boolean;
}

export async function openInstaller(options: InstallingOptions): Promise<Installer> {
  const { data, journal, by, source, onProgress, again = false } = options;
  const operation = { id: randomUUID(), source: source.describe(), by };
  const { active } = (await new Installed({ data, journal, operation }).read()).state.model;
  const model = active === null ? null : slotPath(data, 'model', active);
  const system = systemSlots(data, DEVICE_PLACES);
  return new Installer({
    ...{ data, journal, operation, onProgress, again },
    prove: proverFor({ data, model }),
    unpack,
    ...(system !== null && { system }),
    factory: await factoryModel(),
  });
}

/** The model that came with the program. */
export async function factoryModel(): Promise<{ name: string; version: string }> {
  return identityOf(await readBundle(DEFAULT_MODEL));
}

/** The same for releases that are pulled. */
export const openInstalling: OpenInstalling = async (options) => {
  const installer = await openInstaller(options);
  return {
    admits: async (target, release) => (await installer.standing(target, release)) !== 'active',
    install: async (fetched) => {
      await installer.install(fetched);
      return 'pending';
    },
  };
};
