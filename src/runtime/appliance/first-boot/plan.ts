/** What a setup makes of a device: which files get which contents. */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { stringify } from 'yaml';
import { reasonOf, UsageError } from '../../../errors.ts';
import { parseEndpoint } from '../../../telehealth/endpoint.ts';
import type { FileChange, Intent } from './changes.ts';
import { removalOf } from './changes.ts';
import type { Places } from './places.ts';
import { type DeviceSetup, SETUP_FILE } from './setup.ts';
import { wifiConfiguration } from './wifi.ts';

/** Names of what a device has of its own in the folder of its settings. */
export const OWN = { settings: 'spikescope.yaml', key: 'device-key.pem', root: 'root.json' } as const;
/** Bytes of a file beside the setup; a model bundle has under 2 MB. */
const LARGEST = 32 * 2 ** 20;

/**
 * @returns the files to be written, and those of the partition to be removed after that
 * @throws UsageError `SETUP_VALUE`, `SETUP_BESIDE`, `SETUP_ROOT`, `BROKER_URL`, `BROKER_TLS`
 */
export function planOf(setup: DeviceSetup, places: Places): Omit<Intent, 'schema'> {
  const names = [...new Set(namesBeside(setup, places))];
  refuseUnusableBroker(setup, places);
  const beside = names.map((name) => ({ name, bytes: readBeside(name, places) }));
  refuseOtherRoot(setup, places, beside);
  const shared = beside.map(({ name, bytes }) => settingsFile(nameOnDevice(name, setup), bytes, places));
  return {
    changes: [
      ...shared,
      ...(setup.written === null ? [] : [settingsFile(OWN.settings, writtenSettings(setup, places), places)]),
      ...systemFiles(setup, places),
    ],
    removals: [SETUP_FILE, ...beside.map(({ name }) => name)].map((name) =>
      removalOf(path.join(places.partition, name)),
    ),
  };
}

/** The settings of a device that was told none. @param hasRoot whether it has a root of updates */
export function defaultSettings({ board }: Places, hasRoot: boolean): string {
  const source = board?.startsWith('Raspberry Pi') ? 'libcamera' : 'phantom';
  return yamlOf({ source, log: 'json', ...(hasRoot && { updates: { root: OWN.root } }) });
}

/** Certificates are tried now, with the technician still there, and not when the first result waits. */
function refuseUnusableBroker({ settings }: DeviceSetup, places: Places): void {
  if (settings?.broker === undefined || settings.broker === 'embedded') return;
  const { ca, cert, key = cert && path.join(places.settings, OWN.key) } = settings;
  parseEndpoint(settings.broker, { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) });
}

/** @throws UsageError `SETUP_BESIDE` for a path that leads elsewhere */
function namesBeside({ settings, wifi, updateRoot, written }: DeviceSetup, { partition }: Places): string[] {
  const of = (value: string | undefined): string[] => (value === undefined ? [] : [value]);
  const paths = [
    ...of(settings?.ca),
    ...of(settings?.cert),
    ...of(settings?.key),
    ...of(settings?.updates?.root),
  ];
  const isBeside = (file: string) => path.dirname(file) === path.resolve(partition);
  if (!paths.every(isBeside) || settings?.data !== undefined) {
    throw new UsageError('SETUP_BESIDE', 'The setup names what lies elsewhere', {
      file: SETUP_FILE,
      expected: 'names of files that lie beside it, without folders, and no `data`',
    });
  }
  const model = written?.model;
  const bundle = typeof model === 'string' && model.endsWith('.spikescope') ? [model] : [];
  const authorities = (wifi?.networks ?? []).flatMap((each) => ('authority' in each ? [each.authority] : []));
  return [
    ...paths.map((each) => path.basename(each)),
    ...bundle,
    ...authorities,
    ...of(updateRoot ?? undefined),
  ];
}

function readBeside(name: string, { partition }: Places): Buffer {
  try {
    if (name !== path.basename(name)) throw new Error('a path with folders');
    const bytes = readFileSync(path.join(partition, name));
    if (bytes.length > LARGEST) throw new Error(`${bytes.length} bytes`);
    return bytes;
  } catch (cause) {
    throw new UsageError('SETUP_BESIDE', 'A file that the setup names cannot be read', {
      file: name,
      expected: `a file beside ${SETUP_FILE} of at most ${LARGEST} bytes`,
      received: reasonOf(cause),
      remedy: 'lay it onto the partition too, under that very name',
      cause,
    });
  }
}

/** The first root that a device is given is its own for good. */
function refuseOtherRoot(
  { updateRoot }: DeviceSetup,
  { settings }: Places,
  beside: readonly { name: string; bytes: Buffer }[],
): void {
  const present = path.join(settings, OWN.root);
  const given = beside.find(({ name }) => name === updateRoot);
  if (given === undefined || !existsSync(present) || readFileSync(present).equals(given.bytes)) return;
  throw new UsageError('SETUP_ROOT', 'This device has a root of updates already, and it is another', {
    file: given.name,
    expected: 'the root that it was set up with, or none',
    remedy: 'a new root comes with the updates themselves; else erase the device first',
  });
}

function nameOnDevice(name: string, { updateRoot }: DeviceSetup): string {
  return name === updateRoot ? OWN.root : name;
}

/** As written, with the device's own key where the setup names a certificate alone, and the root that it has. */
function writtenSettings({ written, updateRoot }: DeviceSetup, { settings }: Places): string {
  const own = {
    ...written,
    ...(written?.cert !== undefined && written.key === undefined && { key: OWN.key }),
  };
  const updates = typeof written?.updates === 'object' && written.updates !== null ? written.updates : {};
  const root = updateRoot === null ? rootIn(settings).updates : { root: OWN.root };
  return yamlOf(root === undefined ? own : { ...own, updates: { ...root, ...updates } });
}

function rootIn(settings: string): { updates?: { root: string } } {
  return existsSync(path.join(settings, OWN.root)) ? { updates: { root: OWN.root } } : {};
}

function yamlOf(settings: Record<string, unknown>): string {
  return `# Written from the setup of the device; another ${SETUP_FILE} on its partition replaces it.\n${stringify(settings)}`;
}

/** The appliance may read what is its own, and change nothing of it. */
export function settingsFile(
  name: string,
  content: string | Buffer,
  { settings, owner }: Places,
): FileChange {
  return {
    file: path.join(settings, name),
    content: Buffer.from(content).toString('base64'),
    mode: 0o640,
    owner: owner === null ? null : { uid: 0, gid: owner.gid },
  };
}

function systemFiles({ wifi, timeZone, language }: DeviceSetup, { system, settings }: Places): FileChange[] {
  const file = (name: string, content: string): FileChange => ({
    file: path.join(system, name),
    content: Buffer.from(content).toString('base64'),
    mode: 0o600,
    owner: null,
  });
  const environment = [
    ...(timeZone === null ? [] : [`TZ=${timeZone}`]),
    ...(language === null ? [] : [`LANGUAGE=${language}`]),
  ];
  return [
    ...(wifi === null ? [] : [file('wifi.conf', wifiConfiguration(wifi, settings))]),
    ...(environment.length === 0 ? [] : [file('environment', `${environment.join('\n')}\n`)]),
  ];
}
