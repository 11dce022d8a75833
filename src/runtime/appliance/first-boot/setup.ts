import { readFileSync } from 'node:fs';
import path from 'node:path';
import { type Document, isMap, isNode } from 'yaml';
import { z } from 'zod';
import { reasonOf, UsageError } from '../../../errors.ts';
import { firstIssue } from '../../../schema.ts';
import { deviceIdSchema } from '../../../store/identity.ts';
import { settingsOfMap } from '../settings/configuration.ts';
import type { Settings } from '../settings/settings.ts';
import { yamlDocument } from '../settings/yaml-document.ts';

/** What a technician lays on the partition `config`. */
export const SETUP_FILE = 'spikescope-config.yaml';
const MAXIMUM_BYTES = 65_536;

const TIME_ZONE = 'a time zone such as Europe/Berlin';
/** What a configuration of wpa_supplicant takes in quotes. */
const printableText = (longest: number) => {
  const expected = `1 to ${longest} printable characters of ASCII`;
  return z.string(expected).regex(new RegExp(`^[\\x20-\\x7e]{1,${longest}}$`), expected);
};
const NETWORK_NAME = 'the name of a network, at most 32 bytes';
const PASSWORD = '8 to 63 printable characters of ASCII';
const BESIDE = 'the name of a file that lies beside this one';
const besideName = z.string(BESIDE).regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/, BESIDE);
const countryCode = 'two capital letters, such as DE';

const networkSchema = z.union([
  z.strictObject({
    name: z.string(NETWORK_NAME).refine((name) => isShortEnough(name), NETWORK_NAME),
    password: z
      .string(PASSWORD)
      .regex(/^[\x20-\x7e]{8,63}$/, PASSWORD)
      .describe('Of WPA2 or WPA3, personal'),
    hidden: z.boolean('true or false').default(false).describe('Does not announce itself'),
  }),
  z.strictObject({
    name: z.string(NETWORK_NAME).refine((name) => isShortEnough(name), NETWORK_NAME),
    user: printableText(128).describe(
      'Name of the device, for networks with a RADIUS server (WPA enterprise)',
    ),
    authority: besideName.describe('Authority of the server’s certificate, PEM'),
    server: z
      .string('the name of the server')
      .regex(/^[A-Za-z0-9.-]{1,255}$/, 'the name of the server')
      .describe(
        'Name in the server’s certificate: without it any holder of a certificate could play the network',
      ),
    password: printableText(128).describe('PEAP with MSCHAPv2'),
    hidden: z.boolean('true or false').default(false),
  }),
]);
export type WifiNetwork = z.infer<typeof networkSchema>;

const wifiSchema = z.strictObject({
  country: z
    .string(countryCode)
    .regex(/^[A-Z]{2}$/, countryCode)
    .describe('Whose rules for radio hold'),
  networks: z.array(networkSchema, 'a list of networks').min(1, 'at least one network').max(8, 'at most 8'),
});
export type WifiSetup = z.infer<typeof wifiSchema>;

/** All but `appliance`, whose settings have a reader of their own. */
const setupSchema = z.strictObject({
  device: deviceIdSchema.optional().describe('Name of the device; for good, until it is erased'),
  'time-zone': z.string(TIME_ZONE).refine(isTimeZone, TIME_ZONE).optional(),
  language: z
    .string('a language such as de or pt-BR')
    .regex(/^[a-z]{2,3}(-[A-Z]{2})?$/, 'a language such as de or pt-BR')
    .optional(),
  wifi: wifiSchema.optional(),
  'update-root': besideName.optional().describe('Root of the updates, once and for good'),
  appliance: z.unknown().optional(),
});

/** What a technician wants of a device. */
export interface DeviceSetup {
  readonly device: string | null;
  readonly timeZone: string | null;
  readonly language: string | null;
  readonly wifi: WifiSetup | null;
  /** Name of a file beside the setup. */
  readonly updateRoot: string | null;
  /** Checked, with paths that are absolute; null where nothing is said of the appliance. */
  readonly settings: Partial<Settings> | null;
  /** The same as it was written, by the names of options. */
  readonly written: Readonly<Record<string, unknown>> | null;
}

/**
 * Reads what a technician has laid on a partition.
 * @param partition folder of the file, and of the files that it names
 * @throws UsageError `SETUP_FILE`, `SETUP_SYNTAX`, `SETUP_VALUE`, `CONFIG_KEY`, `CONFIG_VALUE`, each with the line
 */
export function readSetup(partition: string): DeviceSetup {
  const file = path.join(partition, SETUP_FILE);
  const { document, placeOf } = yamlDocument(readText(file));
  const [problem] = document.errors;
  if (problem !== undefined || (document.contents !== null && !isMap(document.contents))) {
    throw new UsageError('SETUP_SYNTAX', 'The setup of the device is no YAML of this form', {
      file: SETUP_FILE,
      field: placeOf(problem?.pos[0] ?? 0),
      expected: 'lines such as `time-zone: Europe/Berlin`, indented by spaces',
      remedy: 'compare it with docs/use/integration.md',
    });
  }
  const parsed = setupSchema.safeParse(document.toJS() ?? {});
  if (!parsed.success) throw wrongValue(parsed.error, document, placeOf);
  const { device, wifi, language, appliance, ...rest } = parsed.data;
  const map = document.get('appliance', true);
  if (appliance !== undefined && !isMap(map)) throw notSettings(document, placeOf);
  return {
    device: device ?? null,
    timeZone: rest['time-zone'] ?? null,
    language: language ?? null,
    wifi: wifi ?? null,
    updateRoot: rest['update-root'] ?? null,
    settings: isMap(map) ? settingsOfMap(map, file, placeOf) : null,
    written: isMap(map) ? z.record(z.string(), z.unknown()).parse(appliance) : null,
  };
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > MAXIMUM_BYTES) throw new Error(`${bytes.length} bytes`);
    // Windows' editors put a mark in front.
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes);
  } catch (cause) {
    throw new UsageError('SETUP_FILE', 'The setup of the device cannot be read', {
      file: SETUP_FILE,
      expected: `a text file in UTF-8 of at most ${MAXIMUM_BYTES} bytes`,
      received: reasonOf(cause),
      remedy: 'save it as plain text, UTF-8',
      cause,
    });
  }
}

/** The values themselves are not said: there are passwords among them. */
function wrongValue(error: z.ZodError, document: Document, placeOf: (offset: number) => string): UsageError {
  const { issue, trail } = innermost(error);
  const { expected } = firstIssue(new z.ZodError([issue]));
  const unknown = issue.code === 'unrecognized_keys' ? issue.keys[0] : null;
  const node = document.getIn(trail, true);
  const offset = isNode(node) ? (node.range?.[0] ?? 0) : 0;
  const name = trail.join('.') || 'the setup';
  return new UsageError(
    'SETUP_VALUE',
    unknown === null ? `“${name}” has a value that it cannot have` : `There is no “${unknown}” in ${name}`,
    {
      file: SETUP_FILE,
      field: placeOf(offset),
      expected: unknown === null ? expected : 'names as docs/use/integration.md has them',
      remedy: 'mend the line, and start the device again',
    },
  );
}

/** Where several forms would do, what is wrong of the one that fits best. */
function innermost(error: z.ZodError): { issue: z.core.$ZodIssue; trail: (string | number)[] } {
  let [issue] = error.issues;
  const trail = [...issue.path];
  while (issue.code === 'invalid_union') {
    const [best] = [...issue.errors].sort((one, other) => one.length - other.length);
    if (best === undefined || best[0] === undefined) break;
    [issue] = best;
    trail.push(...issue.path);
  }
  return { issue, trail: trail.map((step) => (typeof step === 'symbol' ? String(step) : step)) };
}

function notSettings(document: Document, placeOf: (offset: number) => string): UsageError {
  const node = document.get('appliance', true);
  return new UsageError('SETUP_SYNTAX', '“appliance” is no list of settings', {
    file: SETUP_FILE,
    field: placeOf(isNode(node) ? (node.range?.[0] ?? 0) : 0),
    expected: 'indented lines such as `broker: mqtts://broker.example:8883`',
  });
}

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return /^[A-Za-z_+-]+(\/[A-Za-z0-9_+-]+)*$/.test(name);
  } catch {
    return false;
  }
}

function isShortEnough(name: string): boolean {
  const bytes = Buffer.byteLength(name);
  return bytes >= 1 && bytes <= 32;
}
