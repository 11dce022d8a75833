import { readFileSync } from 'node:fs';
import path from 'node:path';
import { isMap, isScalar, type Pair, type YAMLMap } from 'yaml';
import { z } from 'zod';
import { reasonOf, UsageError } from '../../../errors.ts';
import { firstIssue } from '../../../schema.ts';
import { withoutCredentials } from '../../../telehealth/redaction.ts';
import { isAddress } from '../../../updates/source/open-source.ts';
import { type UpdateSettings, updateSettingsSchema } from '../../../updates/update-settings.ts';
import { modelFile } from '../../engine/shipped-models.ts';
import { type ScreenSetting, screenSettingsSchema } from './screen.ts';
import { type SettingName, type Settings, settingsSchema, wordOf } from './settings.ts';
import { yamlDocument } from './yaml-document.ts';

const MAXIMUM_BYTES = 65_536;
const PATHS: ReadonlySet<string> = new Set<SettingName>(['ca', 'cert', 'key', 'model', 'data']);
const NAMES = new Map(Object.keys(settingsSchema.shape).map((name) => [wordOf(name), name]));

/**
 * The settings in a configuration file: YAML (or JSON), the options of `run` by name. Paths in it are relative to it.
 * @throws UsageError `CONFIG_FILE`, `CONFIG_SYNTAX`, `CONFIG_KEY`, `CONFIG_VALUE`, each with the line
 */
export function readConfiguration(file: string): Partial<Settings> {
  const { document, placeOf } = yamlDocument(readText(file));
  const [problem] = document.errors;
  if (problem !== undefined) {
    throw new UsageError('CONFIG_SYNTAX', 'The configuration is no YAML', {
      file,
      field: placeOf(problem.pos[0]),
      received: withoutCredentials(problem.message.split('\n')[0]),
    });
  }
  const { contents } = document;
  if (contents === null) return {};
  if (!isMap(contents)) {
    throw new UsageError('CONFIG_SYNTAX', 'The configuration is no list of settings', {
      file,
      field: placeOf(contents.range[0]),
      expected: 'lines of the form `source: libcamera`',
    });
  }
  return settingsOfMap(contents, file, placeOf);
}

/**
 * The settings of a list in a larger document, paths in them relative to the file.
 * @param placeOf says line and column of an offset
 * @throws UsageError `CONFIG_KEY`, `CONFIG_VALUE`
 */
export function settingsOfMap(
  map: YAMLMap,
  file: string,
  placeOf: (offset: number) => string,
): Partial<Settings> {
  // A map of a parsed document holds nodes, as the types of the library have it for the document as a whole alone.
  const pairs = map.items as Pair[];
  return Object.fromEntries(pairs.map((pair) => settingOf(pair, file, placeOf)));
}

/** The JSON Schema (draft 2020-12) of the file, as it lies in docs/schema. */
export function configurationSchema(): Record<string, unknown> {
  const { properties, required: _, ...schema } = z.toJSONSchema(settingsSchema, { io: 'input' });
  const named = Object.entries(properties ?? {}).map(([name, property]) => [wordOf(name), property]);
  return {
    ...schema,
    title: 'spikescope configuration',
    description: 'Settings of run, every one of them optional.',
    properties: Object.fromEntries(named),
  };
}

function readText(file: string): string {
  try {
    const bytes = readFileSync(file);
    if (bytes.length > MAXIMUM_BYTES) throw new Error(`${bytes.length} bytes`);
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new UsageError('CONFIG_FILE', 'The configuration cannot be read', {
      file,
      expected: `a text file of at most ${MAXIMUM_BYTES} bytes`,
      received: reasonOf(cause),
      cause,
    });
  }
}

function settingOf(pair: Pair, file: string, placeOf: (offset: number) => string): [string, unknown] {
  const word = isScalar(pair.key) ? String(pair.key.value) : '';
  const place = placeOf(isScalar(pair.key) ? (pair.key.range?.[0] ?? 0) : 0);
  const name = NAMES.get(word);
  if (name === undefined) {
    throw new UsageError('CONFIG_KEY', `There is no setting “${/^[\w-]*$/.test(word) ? word : '…'}”`, {
      file,
      field: place,
      expected: [...NAMES.keys()].join(', '),
    });
  }
  const value = contentOf(pair);
  const schema: z.ZodType = settingsSchema.shape[name as SettingName];
  const parsed = schema.safeParse(value);
  if (!parsed.success) {
    throw new UsageError('CONFIG_VALUE', `The setting “${word}” has a value that it cannot have`, {
      file,
      field: place,
      expected: firstIssue(parsed.error).expected,
      received: shownValue(name, value),
    });
  }
  if (name === 'updates') return [name, withPlaces(updateSettingsSchema.parse(value), path.dirname(file))];
  if (name === 'screen')
    return [name, withCertificates(screenSettingsSchema.parse(value), path.dirname(file))];
  if (!PATHS.has(name) || typeof value !== 'string') return [name, parsed.data];
  const named = path.resolve(path.dirname(file), value);
  return [name, name === 'model' ? modelFile(named, value) : named];
}

/** Files and folders that the section `updates` names, from where the configuration lies. */
function withPlaces({ from, root, ...settings }: UpdateSettings, folder: string): UpdateSettings {
  return {
    ...settings,
    ...(from !== undefined && { from: isAddress(from) ? from : path.resolve(folder, from) }),
    ...(root !== undefined && { root: path.resolve(folder, root) }),
  };
}

/** Certificate and key of the section `screen`, likewise. */
function withCertificates(setting: ScreenSetting, folder: string): ScreenSetting {
  if (typeof setting !== 'object' || setting.network === undefined) return setting;
  const { cert, key, ...network } = setting.network;
  const inFolder = (name: string): string => path.resolve(folder, name);
  return { ...setting, network: { ...network, cert: inFolder(cert), key: inFolder(key) } };
}

/** A broker's address holds a password, whatever form it was given. */
function shownValue(name: string, value: unknown): string {
  if (name === 'updates') return 'another value';
  if (name === 'broker') return Array.isArray(value) ? 'a list' : `a value of type ${typeof value}`;
  return withoutCredentials(JSON.stringify(value));
}

function contentOf({ value }: Pair): unknown {
  return value !== null &&
    typeof value === 'object' &&
    'toJSON' in value &&
    typeof value.toJSON === 'function'
    ? value.toJSON()
    : value;
}
