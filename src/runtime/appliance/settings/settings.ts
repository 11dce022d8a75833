import { z } from 'zod';
import type { CameraSettings } from '../../../capture/camera/settings.ts';
import { SOURCES_HELP } from '../../../capture/open-source.ts';
import { COMMAND_NAMES, type CommandName, commandNameSchema } from '../../../telehealth/commands/command.ts';
import { DEFAULT_DISCOVERY_PREFIX } from '../../../telehealth/discovery.ts';
import { RESULT_VERSIONS } from '../../../telehealth/older-result.ts';
import { DEFAULT_TOPIC_PREFIX } from '../../../telehealth/topics.ts';
import { updateSettingsSchema } from '../../../updates/update-settings.ts';
import { WANTED_BACKENDS } from '../../engine/open-engines.ts';
import { labelCodeSchema } from '../../learning/label.ts';
import { screenSettingsSchema } from './screen.ts';

function wholeNumber(low: number, high: number) {
  const expected = `a whole number from ${low} to ${high}`;
  return z.number(expected).int(expected).min(low, expected).max(high, expected);
}

const LENS = 'dioptres, a number from 0 to 32';

const filePath = z.string('the path of a file').min(1, 'the path of a file');

/** Levels of a topic, without wildcards. */
function topicLevels(expected: string) {
  return z.string(expected).regex(/^[A-Za-z0-9_-]{1,32}(\/[A-Za-z0-9_-]{1,32}){0,3}$/, expected);
}

/** Where answers may go: levels of a topic of any kind, without wildcards and not the broker's own. */
const answerTopic = z
  .string()
  .regex(/^[^$+#/\p{Cc}][^+#\p{Cc}]{0,127}$/u, 'topics without wildcards, for example clinic/answers');

/** Everything that can be set of the appliance, on the command line or in its configuration file. */
export const settingsSchema = z.strictObject({
  source: z.string(SOURCES_HELP).describe('Where frames come from'),
  cameraSize: z
    .string('WIDTHxHEIGHT')
    .regex(/^\d{1,5}x\d{1,5}$/, 'WIDTHxHEIGHT in pixels, for example 1280x960')
    .describe('Size of a camera’s frames'),
  cameraRate: wholeNumber(1, 120).describe('Frames per second of a camera'),
  cameraStride: wholeNumber(2, 65_536)
    .optional()
    .describe('Bytes from row to row of libcamera; by default the width, padded to 64'),
  cameraNumber: wholeNumber(0, 15).optional().describe('Which of several cameras of a Raspberry Pi, from 0'),
  cameraLens: z
    .number(LENS)
    .min(0, LENS)
    .max(32, LENS)
    .optional()
    .describe('Fixed focus of a Raspberry Pi’s camera, in dioptres (1 / metres)'),
  cameraExposure: wholeNumber(1, 10_000_000)
    .optional()
    .describe('Fixed exposure of a Raspberry Pi’s camera, in microseconds'),
  cameraRotation: z
    .literal([0, 180], '0 or 180')
    .optional()
    .describe('Degrees; 180 for a camera that is mounted upside down'),
  trigger: z
    .enum(['auto', 'buttons'], 'auto or buttons')
    .optional()
    .describe('What takes a capture; by default buttons for cameras, auto for all else'),
  count: wholeNumber(1, 1_000_000_000).optional().describe('End after so many captures'),
  interval: wholeNumber(0, 86_400_000)
    .optional()
    .describe('Milliseconds from one automatic capture to the next, at least'),
  broker: z.string('embedded, mqtt://…, mqtts://…, ws://… or wss://…').describe('Where results are sent'),
  brokerPort: wholeNumber(0, 65_535).optional().describe('Port of the embedded broker'),
  clientId: z
    .string('a name')
    .regex(/^[\w.:@=+-]{1,128}$/, '1 to 128 letters, digits and . : @ = + _ -')
    .optional()
    .describe('Name of the connection; by default spikescope- and the device’s name'),
  topicPrefix: topicLevels('a prefix of topics, for example spikescope').describe(
    'What all topics begin with',
  ),
  alpn: z
    .string('a name')
    .regex(/^[\x21-\x7e]{1,255}$/, 'a name, for example x-amzn-mqtt-ca')
    .optional()
    .describe('Protocol that is named in the handshake of mqtts, for brokers at a port that others share'),
  retain: z
    .boolean('true or false')
    .describe('Send status, model and health to be retained; false for brokers that retain nothing'),
  ca: filePath.optional().describe('Authorities that may have signed the broker’s certificate, PEM'),
  cert: filePath.optional().describe('This device’s certificate, PEM'),
  key: filePath.optional().describe('The key of the certificate, PEM'),
  model: filePath.optional().describe('Model bundle, or the name of one that ships; by default qana64'),
  backend: z
    .enum(WANTED_BACKENDS, WANTED_BACKENDS.join(', '))
    .describe(
      'What reads: auto is the card where it answers the golden inputs, else the processor; akida demands the card',
    ),
  data: z.string().min(1, 'the path of a folder').optional().describe('Folder of journal and identity'),
  deviceId: z.string('a name').optional().describe('Name of this device in topics'),
  seed: wholeNumber(0, 2 ** 32 - 1).describe('Seed of the phantoms'),
  allowCommands: z
    .array(commandNameSchema, `names of ${COMMAND_NAMES.join(', ')}`)
    .describe('Commands taken from the broker'),
  responseTopics: z
    .array(answerTopic, 'a list of topics')
    .max(16, '16 topics at most')
    .describe('Topics below which answers to commands may be asked for, beside the device’s own'),
  resultSchema: z
    .literal(RESULT_VERSIONS, '1, 2 or 3')
    .describe(
      'Newest version of results that receivers read: 1 is without triage, 2 without patient, 3 with what is allowed of both',
    ),
  fhir: z.boolean('true or false').describe('Publish each result as a FHIR R4 message too'),
  homeAssistant: z
    .union(
      [z.boolean(), topicLevels('true, or a prefix of topics, for example homeassistant')],
      'true, or a prefix of topics',
    )
    .optional()
    .describe('Announce the device to Home Assistant'),
  metrics: wholeNumber(0, 65_535).optional().describe('Port on loopback for Prometheus metrics'),
  screen: screenSettingsSchema.optional(),
  patientContext: z
    .boolean('true or false')
    .describe('Whether a screen may say of whom captures are, by pseudonyms and a place of the body'),
  log: z.enum(['text', 'json'], 'text or json').describe('What is written on stderr'),
  learning: z
    .enum(['on', 'off', 'reset'], 'on, off or reset')
    .describe('Learn from confirmed readings; off reads with the factory head, reset goes back to it first'),
  extraLabels: z
    .array(labelCodeSchema, 'codes of classes')
    .max(32, 'at most 32 codes')
    .optional()
    .describe(
      'Codes of classes that may be added on this device and no others; by default any well-formed one',
    ),
  json: z.boolean('true or false').describe('Each result on a line of stdout, exactly as received'),
  updates: updateSettingsSchema
    .optional()
    .describe('Where `provision pull` takes releases from, and when; run itself takes none'),
});
export type Settings = z.infer<typeof settingsSchema>;
export type SettingName = keyof Settings;

export const DEFAULT_SETTINGS: Settings = {
  source: 'phantom',
  cameraSize: '1280x960',
  cameraRate: 15,
  broker: 'embedded',
  topicPrefix: DEFAULT_TOPIC_PREFIX,
  retain: true,
  backend: 'auto',
  seed: 1,
  allowCommands: [],
  responseTopics: [],
  resultSchema: 2,
  fhir: false,
  patientContext: false,
  log: 'text',
  learning: 'on',
  json: false,
};

const NUMBERS: ReadonlySet<string> = new Set<SettingName>([
  'cameraRate',
  'cameraStride',
  'cameraNumber',
  'cameraLens',
  'cameraExposure',
  'cameraRotation',
  'count',
  'interval',
  'brokerPort',
  'resultSchema',
  'seed',
  'metrics',
]);

const LISTS: ReadonlySet<string> = new Set<SettingName>(['allowCommands', 'extraLabels', 'responseTopics']);
const SWITCHES: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['false', false],
]);

/** What the command line says in words, as the values that settings have; what cannot be one stays as it is. */
export function settingOfWord(name: string, word: unknown): unknown {
  if (typeof word !== 'string') return word;
  if (NUMBERS.has(name)) return /^\d+(\.\d+)?$/.test(word) ? Number(word) : word;
  if (name === 'screen') return screenOfWord(word);
  if (name === 'retain') return SWITCHES.get(word) ?? word;
  return LISTS.has(name) ? word.split(',').filter((each) => each !== '') : word;
}

function screenOfWord(word: string): unknown {
  return /^\d+$/.test(word) ? Number(word) : (SWITCHES.get(word) ?? word);
}

/** `cameraSize` → `camera-size`: as on the command line and in the configuration file. */
export function wordOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The prefix under which Home Assistant listens; null where the device is not to be announced. */
export function discoveryPrefix({ homeAssistant }: Settings): string | null {
  return homeAssistant === true ? DEFAULT_DISCOVERY_PREFIX : homeAssistant || null;
}

export function allowedCommands({ allowCommands }: Settings): ReadonlySet<CommandName> {
  return new Set(allowCommands);
}

/** The part of the settings that is the camera's. */
export function cameraSettings(settings: Settings): CameraSettings {
  const { cameraSize, cameraRate, cameraStride, cameraNumber, cameraLens, cameraExposure, cameraRotation } =
    settings;
  const [width, height] = cameraSize.split('x').map(Number);
  return {
    ...{ width, height, rate: cameraRate },
    ...(cameraStride !== undefined && { stride: cameraStride }),
    ...(cameraNumber !== undefined && { number: cameraNumber }),
    ...(cameraLens !== undefined && { lens: cameraLens }),
    ...(cameraExposure !== undefined && { exposure: cameraExposure }),
    ...(cameraRotation !== undefined && { rotation: cameraRotation }),
  };
}
