/** Where the native addon lies. */
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import nodeGypBuild from 'node-gyp-build';

/** A built copy to load in place of any other, for example the sanitized one. */
const ADDON_VARIABLE = 'SPIKESCOPE_ADDON';
/** Built on this machine. */
const LOCAL_BUILD = fileURLToPath(
  new URL('../../native/akida-m2/build/Release/spikescope.node', import.meta.url),
);
/** Holds prebuilds/PLATFORM-PROCESSOR/, which the npm package carries. */
const PACKAGE = fileURLToPath(new URL('../..', import.meta.url));

/**
 * What `SPIKESCOPE_ADDON` says, else the addon built on this machine, else the one of the package's prebuilt addons that
 * fits. Where none does, the place where a build would put it.
 */
export function addonFile(): string {
  const named = process.env[ADDON_VARIABLE];
  if (named !== undefined) return named;
  return existsSync(LOCAL_BUILD) ? LOCAL_BUILD : (prebuiltAddon() ?? LOCAL_BUILD);
}

function prebuiltAddon(): string | null {
  try {
    return nodeGypBuild.path(PACKAGE);
  } catch {
    return null;
  }
}
