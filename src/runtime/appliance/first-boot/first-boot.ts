/** Makes of an image this very device, and takes over what a technician has left on the partition `config`. */
import { chownSync, existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { SpikescopeError } from '../../../errors.ts';
import { makeFolder } from '../../../make-folder.ts';
import { StoredDocument } from '../../../store/documents.ts';
import { openIdentity } from '../../../store/identity.ts';
import { certificateRequest, newDeviceKey } from './certificate-request.ts';
import { Changes, type FileChange } from './changes.ts';
import type { Places } from './places.ts';
import { defaultSettings, OWN, planOf, settingsFile } from './plan.ts';
import { type DeviceSetup, readSetup, SETUP_FILE } from './setup.ts';

const recordSchema = z.strictObject({
  schema: z.literal(1),
  device: z.string(),
  firstStartedAt: z.iso.datetime(),
  /** Setups that were taken over, the newest last. */
  setups: z.array(z.strictObject({ at: z.iso.datetime(), files: z.array(z.string()) })),
});

/** What came of it. */
export interface FirstBootOutcome {
  readonly device: string;
  /** Files of the partition that were taken over and removed; null without a setup. */
  readonly taken: readonly string[] | null;
  /** Why a setup was refused; the device goes on with what it has. */
  readonly refused: SpikescopeError | null;
  /** A request for a certificate, where the device has none yet. */
  readonly certificateRequest: string | null;
}

/**
 * Does whatever of it is still to be done; done again, it does nothing more. A power cut at any point leaves what was
 * before, or is made good by the next call.
 * @throws SpikescopeError `DOCUMENT_*`, `SETUP_TAKE_OVER`
 */
export async function firstBoot(places: Places): Promise<FirstBootOutcome> {
  for (const folder of [places.settings, places.system, places.data]) makeFolder(folder, 0o700);
  const changes = new Changes(path.join(places.system, 'take-over.json'));
  await changes.resume();
  const { setup, refused } = setupOf(places);
  const device = await ensureIdentity(places, setup);
  const missing = missingFiles(places, device, setup);
  if (missing.length > 0) await changes.apply({ changes: missing, removals: [] });
  const outcome = await takeOver(places, setup, refused, changes, device);
  await record(places, device, outcome.taken);
  return { device, ...outcome, certificateRequest: requestOf(places, device) };
}

function setupOf({ partition }: Places): { setup: DeviceSetup | null; refused: SpikescopeError | null } {
  if (!existsSync(path.join(partition, SETUP_FILE))) return { setup: null, refused: null };
  try {
    return { setup: readSetup(partition), refused: null };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return { setup: null, refused: error };
  }
}

async function takeOver(
  places: Places,
  setup: DeviceSetup | null,
  refused: SpikescopeError | null,
  changes: Changes,
  device: string,
): Promise<Pick<FirstBootOutcome, 'taken' | 'refused'>> {
  if (setup === null) return { taken: null, refused };
  try {
    refuseOtherName(setup, device);
    const plan = planOf(setup, places);
    await changes.apply(plan);
    return { taken: plan.removals.map(({ file }) => path.basename(file)), refused: null };
  } catch (error) {
    if (!(error instanceof SpikescopeError) || error.code === 'SETUP_TAKE_OVER') throw error;
    return { taken: null, refused: error };
  }
}

/** Results of one device must not stand under two names. */
function refuseOtherName({ device: wanted }: DeviceSetup, device: string): void {
  if (wanted === null || wanted === device) return;
  throw new SpikescopeError('SETUP_DEVICE', 'This device has a name already', {
    file: SETUP_FILE,
    field: 'device',
    expected: device,
    received: wanted,
    remedy: 'leave the line out; a device that is erased can be named anew',
  });
}

async function ensureIdentity({ data, owner, serial }: Places, setup: DeviceSetup | null): Promise<string> {
  const ofBoard = serial === null ? undefined : `scope-${serial.slice(-8).toLowerCase()}`;
  const identity = await openIdentity(data, setup?.device ?? ofBoard);
  if (owner !== null) {
    chownSync(identity.file, owner.uid, owner.gid);
    chownSync(data, owner.uid, owner.gid);
  }
  return identity.data.device;
}

/** What every device has from its first start on; a root that a technician brings goes before that of the image. */
function missingFiles(places: Places, device: string, setup: DeviceSetup | null): FileChange[] {
  const isMissing = (name: string) => !existsSync(path.join(places.settings, name));
  const hostname: FileChange = {
    file: path.join(places.system, 'hostname'),
    content: Buffer.from(`${hostnameOf(device)}\n`).toString('base64'),
    mode: 0o600,
    owner: null,
  };
  const imageRoot = setup?.updateRoot == null && isMissing(OWN.root) ? readIfThere(places.imageRoot) : null;
  const hasRoot = imageRoot !== null || !isMissing(OWN.root);
  return [
    ...(existsSync(hostname.file) ? [] : [hostname]),
    ...(isMissing(OWN.key) ? [settingsFile(OWN.key, newDeviceKey(), places)] : []),
    ...(imageRoot === null ? [] : [settingsFile(OWN.root, imageRoot, places)]),
    ...(isMissing(OWN.settings)
      ? [settingsFile(OWN.settings, defaultSettings(places, hasRoot), places)]
      : []),
  ];
}

function readIfThere(file: string | null): Buffer | null {
  return file !== null && existsSync(file) ? readFileSync(file) : null;
}

/** As RFC 1123 has the names of hosts: letters, digits and dashes, 63 at most. */
export function hostnameOf(device: string): string {
  return device
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, 63)
    .replace(/^-|-$/g, '');
}

async function record({ system }: Places, device: string, taken: FirstBootOutcome['taken']): Promise<void> {
  const at = new Date().toISOString();
  const document = await StoredDocument.open(path.join(system, 'first-boot.json'), recordSchema, () => ({
    ...{ schema: 1 as const, device, firstStartedAt: at },
    setups: [],
  }));
  if (taken === null) return;
  await document.update(({ setups }) => {
    setups.push({ at, files: [...taken] });
  });
}

/** Null for a device whose settings name a certificate. */
function requestOf({ settings }: Places, device: string): string | null {
  const text = readFileSync(path.join(settings, OWN.settings), 'utf8');
  if (/^cert:/m.test(text)) return null;
  return certificateRequest(readFileSync(path.join(settings, OWN.key), 'utf8'), device);
}
