import { open } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError } from '../../errors.ts';
import { type ApplicationFile, applicationFiles, type Platform } from './application-files.ts';
import { packApplication } from './pack-application.ts';
import { type Installation, readInstallation } from './production-packages.ts';

/** An application on its way into an archive. */
export interface Application {
  readonly installation: Installation;
  readonly platform: Platform;
  /** Such as `spikescope-linux-arm64`: one name for each platform. */
  readonly name: string;
  readonly version: string;
  readonly files: readonly ApplicationFile[];
}

/**
 * What an application consists of.
 * @param base a clone of the project that was built, or a folder into which its npm package was installed
 * @throws RefusedError `APPLICATION_INCOMPLETE`
 */
export async function readApplication(base: string): Promise<Application> {
  const installation = readInstallation(base);
  const platform = await platformOf(installation);
  const { name, version } = installation.program.manifest;
  const files = await applicationFiles(installation, platform);
  return { installation, platform, name: `${name}-${platform}`, version, files };
}

/** @throws SpikescopeError `APPLICATION_UNWRITABLE` */
export async function buildApplication(
  { files }: Application,
  out: string,
  onProgress?: (done: number, of: number) => void,
): Promise<void> {
  await packApplication(files, out, onProgress);
}

/** The addon that no device can do without, and that is never for two platforms. */
const ADDON = 'node_modules/better-sqlite3/build/Release/better_sqlite3.node';
/** `e_machine` of an ELF file. */
const MACHINES: Readonly<Record<number, Platform>> = { 62: 'linux-x64', 183: 'linux-arm64' };

/** What the installed addons are for, whatever machine this is. @throws RefusedError `APPLICATION_INCOMPLETE` */
async function platformOf({ base }: Installation): Promise<Platform> {
  const file = path.join(base, ADDON);
  const header = await firstBytes(file, 20).catch(() => Buffer.alloc(20));
  const isElf = header.readUInt32BE(0) === 0x7f454c46;
  const platform = isElf ? MACHINES[header.readUInt16LE(18)] : undefined;
  if (platform !== undefined) return platform;
  throw new RefusedError('APPLICATION_INCOMPLETE', 'The addon of SQLite is not there for any device', {
    file,
    expected: 'an ELF file for x86-64 or AArch64',
    remedy: 'install the packages with their install scripts, on the platform of the device',
  });
}

async function firstBytes(file: string, count: number): Promise<Buffer> {
  const handle = await open(file);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(count), 0, count, 0);
    if (bytesRead < count) throw new Error(`${bytesRead} bytes`);
    return buffer;
  } finally {
    await handle.close();
  }
}
