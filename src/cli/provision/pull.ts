import { randomInt } from 'node:crypto';
import { lstatSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { UsageError } from '../../errors.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { readConfiguration } from '../../runtime/appliance/settings/configuration.ts';
import { DEFAULT_MODEL } from '../../runtime/engine/shipped-models.ts';
import { defaultDataFolder, prepareDataFolder } from '../../store/folder.ts';
import { note, print, printJson } from '../../ui/terminal/console.ts';
import type { DeviceFacts } from '../../updates/compatibility.ts';
import type { StageProgress } from '../../updates/install/contract.ts';
import { readInstalled } from '../../updates/installed-view.ts';
import { UpdateProgress } from '../../updates/progress.ts';
import type { Present, Shipped } from '../../updates/pull/choose.ts';
import { type Installing, type Pulled, pull } from '../../updates/pull/pull.ts';
import { minutesLeft } from '../../updates/pull/window.ts';
import { takeWish } from '../../updates/pull/wish.ts';
import { CHANNELS, plainName } from '../../updates/release.ts';
import { MeteredSource } from '../../updates/source/metered.ts';
import { isAddress } from '../../updates/source/open-source.ts';
import type { Source } from '../../updates/source/source.ts';
import { DEVICE_PLACES, runningRelease } from '../../updates/system/places.ts';
import { type UpdateSettings, updateSettingsSchema } from '../../updates/update-settings.ts';
import type { Updates } from '../../updates/updates.ts';
import { parseOptions } from '../shared/options.ts';
import { deviceFacts } from './device-facts.ts';
import { channelsOf, type DeviceWork, withUpdates } from './device-options.ts';
import { json } from './options.ts';
import { type PassOutcome, pullText } from './pull-text.ts';
import { ShownProgress } from './shown-progress.ts';

const optionsSchema = z.object({
  from: z.string().min(1).optional(),
  root: z.string().min(1).optional(),
  channel: z.enum(CHANNELS).optional(),
  site: plainName.optional(),
  config: z.string().min(1).optional(),
  data: z.string().min(1).optional(),
  acceptExpired: z.string().trim().min(3).optional(),
  now: z.boolean().default(false),
  json: z.boolean().default(false),
});
type PullWords = z.infer<typeof optionsSchema>;

/** Makes what puts releases into use on this device. */
export type OpenInstalling = (
  device: DeviceWork & {
    readonly source: Source;
    readonly onProgress: (progress: StageProgress) => void;
  },
) => Promise<Installing>;

export function pullCommand(openInstalling: OpenInstalling): Command {
  return new Command('pull')
    .description(
      'Take the newest releases that fit this device, without asking; for a timer, a stick, a command',
    )
    .option('--from <source>', 'a stick or folder, or an address (default: that of the configuration)')
    .option(
      '--config <file>',
      'configuration of the device; its section `updates` says what is not given here',
    )
    .option('--root <file>', 'root that this device is set up with; the first counts, and it is kept')
    .option('--data <folder>', 'folder of the journal (default: $XDG_STATE_HOME/spikescope)')
    .addOption(new Option('--channel <name>', 'releases of this channel (default: stable)').choices(CHANNELS))
    .option('--site <name>', 'and those of this site’s own office')
    .option('--accept-expired <reason>', 'take from a stick what has expired; stands in the journal')
    .option('--now', 'at once, whatever hours the configuration names')
    .addOption(json())
    .action(async (raw: unknown) => {
      const words = parseOptions(optionsSchema, raw);
      const { settings, data } = settingsOf(words);
      const { source = null, bytes = 0, ...passed } = await pass(words, settings, data, openInstalling);
      if (words.json) printJson({ source, ...passed, bytes });
      else for (const line of pullText(passed)) print(line);
    });
}

/** What the command line says, else the configuration. */
function settingsOf(words: PullWords): { settings: UpdateSettings; data: string } {
  const configured = words.config === undefined ? {} : readConfiguration(words.config);
  const { from, root, channel, site } = words;
  const said = Object.entries({ from, root, channel, site }).filter(([, value]) => value !== undefined);
  return {
    settings: { ...updateSettingsSchema.parse(configured.updates ?? {}), ...Object.fromEntries(said) },
    data: path.resolve(words.data ?? configured.data ?? defaultDataFolder()),
  };
}

async function pass(
  words: PullWords,
  settings: UpdateSettings,
  data: string,
  openInstalling: OpenInstalling,
): Promise<PassOutcome & { source?: string; bytes?: number }> {
  const { from, window, jitter } = settings;
  if (from === undefined) throw noSource(words.config);
  prepareDataFolder(data);
  const isWished = await takeWish(data);
  const isNetwork = isAddress(from);
  if (!isNetwork && holdsNothing(from)) return { outcome: 'no-repository' };
  const isBound = isNetwork && !words.now && !isWished;
  const left = isBound ? minutesLeft(window, new Date()) : Infinity;
  if (left === 0) return { outcome: 'outside-window' };
  const until = performance.now() + left * 60_000;
  if (isBound) await waitRandomly(Math.min(jitter, left));
  return withUpdates(
    { from, data, ...(settings.root && { root: settings.root }) },
    (updates, source, device) =>
      takeFrom({ updates, source, settings, device, until, openInstalling, words }),
  );
}

interface Taking {
  readonly updates: Updates;
  readonly source: Source;
  readonly settings: UpdateSettings;
  readonly device: DeviceWork;
  /** Monotonic milliseconds. */
  readonly until: number;
  readonly openInstalling: OpenInstalling;
  readonly words: PullWords;
}

async function takeFrom(taking: Taking): Promise<Pulled & { source: string; bytes: number }> {
  const { updates, source, settings, device, until, openInstalling, words } = taking;
  const { bandwidth, site = null } = settings;
  const rate = bandwidth === undefined || source.kind === 'folder' ? null : bandwidth * 1000;
  const metered = new MeteredSource(source, { rate, until });
  const facts = await deviceFacts();
  const shipped = await shippedWith(facts);
  const progress = new UpdateProgress({ data: device.data, source: source.kind });
  const shown = new ShownProgress(progress);
  const onProgress = (told: StageProgress): void => shown.tell(told);
  try {
    const pulled = await pull({
      ...{ updates, source: metered, progress: shown, acceptExpired: words.acceptExpired ?? null },
      installing: await openInstalling({ ...device, source, onProgress }),
      subscription: { channels: channelsOf(settings), site, device: facts },
      present: async () => ({ shipped, installed: await readInstalled(device.data) }),
    });
    shown.stop();
    await progress.end(pulled.outcome);
    return { ...pulled, source: source.describe(), bytes: metered.bytes };
  } catch (error) {
    shown.stop();
    await progress.end('failed', error);
    throw error;
  }
}

/** What came with the program. */
async function shippedWith({ application, hasSystemSlots }: DeviceFacts): Promise<Present['shipped']> {
  const model: Shipped | null = await readBundle(DEFAULT_MODEL).catch(() => null);
  return {
    application: { name: 'spikescope', version: application },
    ...(model !== null && { model }),
    ...(hasSystemSlots === true && { system: runningRelease(DEVICE_PLACES) }),
  };
}

/** A stick with other things on it. What cannot be told is left to whoever reads it. */
function holdsNothing(folder: string): boolean {
  try {
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return false;
    return lstatSync(path.join(folder, 'metadata'), { throwIfNoEntry: false })?.isDirectory() !== true;
  } catch {
    return false;
  }
}

/** So that not all devices of a country ask at the same minute. */
async function waitRandomly(minutes: number): Promise<void> {
  if (minutes === 0) return;
  const seconds = randomInt(Math.ceil(minutes * 60));
  note(`waits ${seconds} s, so that not all devices ask at once`);
  await delay(seconds * 1000);
}

function noSource(config: string | undefined): UsageError {
  return new UsageError('UPDATE_SOURCE', 'Nothing says where this device takes releases from', {
    ...(config !== undefined && { file: config }),
    expected:
      'an address or a folder with --from, or as `from` in the section `updates` of the configuration',
    remedy: 'give it',
  });
}
