import { readFile } from 'node:fs/promises';
import { userInfo } from 'node:os';
import path from 'node:path';
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { reasonOf, UsageError } from '../../errors.ts';
import { defaultDataFolder, prepareDataFolder } from '../../store/folder.ts';
import { Journal } from '../../store/journal.ts';
import { CHANNELS, type Channel, plainName } from '../../updates/release.ts';
import { openSource } from '../../updates/source/open-source.ts';
import type { Source } from '../../updates/source/source.ts';
import { Updates } from '../../updates/updates.ts';
import { json } from './options.ts';

export const deviceSchema = z.object({
  from: z.string().min(1),
  root: z.string().min(1).optional(),
  data: z.string().min(1).optional(),
  channel: z.enum(CHANNELS).default('stable'),
  site: plainName.optional(),
  acceptExpired: z.string().trim().min(3).optional(),
  json: z.boolean().default(false),
});
export type DeviceOptions = z.infer<typeof deviceSchema>;

/** Options of the commands that a device has. */
export function withDeviceOptions(command: Command): Command {
  return command
    .requiredOption('--from <source>', 'a stick or folder with metadata/ and targets/, or an address')
    .option('--root <file>', 'root that this device is set up with; the first counts, and it is kept')
    .option('--data <folder>', 'folder of the journal (default: $XDG_STATE_HOME/spikescope)')
    .addOption(new Option('--channel <name>', 'releases of this channel (default: stable)').choices(CHANNELS))
    .option('--site <name>', 'and those of this site’s own office')
    .option('--accept-expired <reason>', 'take from a stick what has expired; stands in the journal')
    .addOption(json());
}

/** A device’s trial channel has what is stable as well. */
export function channelsOf({ channel }: Pick<DeviceOptions, 'channel'>): Channel[] {
  return channel === 'trial' ? ['trial', 'stable'] : ['stable'];
}

/** Where a device keeps what it does, and who asks for it. */
export interface DeviceWork {
  readonly data: string;
  readonly journal: Journal;
  readonly by: string;
}

/** Opens what a device trusts, and closes it again. */
export async function withUpdates<T>(
  options: Pick<DeviceOptions, 'from' | 'root' | 'data'>,
  work: (updates: Updates, source: Source, device: DeviceWork) => Promise<T>,
): Promise<T> {
  const source = openSource(options.from);
  const root = options.root === undefined ? undefined : await readRoot(options.root);
  const data = path.resolve(options.data ?? defaultDataFolder());
  prepareDataFolder(data);
  const journal = Journal.open(path.join(data, 'journal.sqlite'));
  try {
    const by = userOf();
    const updates = await Updates.open({ data, journal, by, ...(root && { root }) });
    try {
      return await work(updates, source, { data, journal, by });
    } finally {
      updates.close();
    }
  } finally {
    journal.close();
  }
}

/** Bytes of a root at most. */
const ROOT_BYTES = 512_000;

async function readRoot(file: string): Promise<Uint8Array> {
  try {
    const bytes = await readFile(file);
    if (bytes.length > ROOT_BYTES) throw new Error(`${bytes.length} bytes`);
    return bytes;
  } catch (cause) {
    throw new UsageError('ROOT_UNREADABLE', 'The root cannot be read', {
      file,
      expected: 'metadata/1.root.json of the repository, brought here by a way that is trusted',
      received: reasonOf(cause),
      remedy: 'give its path with --root',
      cause,
    });
  }
}

/** Who asks, also behind sudo. */
export function userOf(): string {
  const behind = process.env.SUDO_USER;
  if (behind !== undefined && behind !== '') return behind;
  try {
    return userInfo().username;
  } catch {
    return String(process.getuid?.() ?? 'unknown');
  }
}
