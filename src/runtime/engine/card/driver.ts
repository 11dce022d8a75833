/** The driver `akida-pcie`: what of it is loaded, built and installed. */
import type { MachineFiles } from './machine-files.ts';

const MODULE = 'akida-pcie';
/** Where modules that are not the kernel's own lie in the folder of a kernel. */
const PLACES = ['updates/dkms', 'updates', 'extra', 'kernel/drivers'];

export interface Driver {
  readonly isLoaded: boolean;
  /** As DKMS has it; null where it was not installed through DKMS. */
  readonly version: string | null;
  /** Kernels for which it has been built. */
  readonly builtFor: readonly string[];
}

export async function driverOf(files: MachineFiles): Promise<Driver> {
  const versions = (await files.names(`var/lib/dkms/${MODULE}`)).filter((name) => /^\d/.test(name));
  const kernels = await files.names('lib/modules');
  const built = await Promise.all(kernels.map((kernel) => isBuiltFor(files, kernel)));
  return {
    isLoaded: (await files.names('sys/module')).includes(MODULE.replace('-', '_')),
    version: versions.at(-1) ?? null,
    builtFor: kernels.filter((_, i) => built[i]),
  };
}

async function isBuiltFor(files: MachineFiles, kernel: string): Promise<boolean> {
  const folders = await Promise.all(PLACES.map((place) => files.names(`lib/modules/${kernel}/${place}`)));
  return folders.flat().some((name) => name.startsWith(`${MODULE}.ko`));
}
