import { Option } from 'commander';
import { z } from 'zod';
import { CHANNELS, LEARNING, plainName, RELEASE_KINDS } from '../../updates/release.ts';

/** Options that several commands below `provision` have. */
export const json = () => new Option('--json', 'the outcome as one JSON document on stdout');
export const keys = (purpose: string) => new Option('--key <files...>', purpose);
export const passphraseFile = () =>
  new Option(
    '--passphrase-file <file>',
    'file with the passphrase of the keys (default: $SPIKESCOPE_PASSPHRASE, or it is asked for)',
  );
export const channel = () => new Option('--channel <name>', 'channel that releases it').choices(CHANNELS);
export const site = () => new Option('--site <name>', 'site whose own office releases it');

export const signingSchema = z.object({
  key: z.array(z.string()).default([]),
  passphraseFile: z.string().optional(),
  json: z.boolean().default(false),
});

export const placeSchema = z.object({ channel: z.enum(CHANNELS).optional(), site: plainName.optional() });

const figure = (least: number, most: number) =>
  z.coerce.number(`a number from ${least} to ${most}`).min(least).max(most).optional();

export const describingSchema = z.object({
  kind: z.enum(RELEASE_KINDS).default('model'),
  name: z.string().optional(),
  releaseVersion: z.string().optional(),
  hardware: z.array(z.string()).default(['any']),
  card: z.array(z.string()).default([]),
  from: z.string().default('0.1.0'),
  before: z.string().optional(),
  journal: z.coerce.number().int().min(1).default(2),
  notes: z.string().default(''),
  change: z.string().default(''),
  balancedAccuracy: figure(0, 1),
  triageSensitivity: figure(0, 1),
  latency: figure(0.001, 60_000),
  learning: z.enum(LEARNING).optional(),
});

/** Options that say what a release is. */
export function describing(): Option[] {
  return [
    new Option('--kind <kind>', 'what it replaces (default: model)').choices(RELEASE_KINDS),
    new Option('--name <name>', 'name of what has none of its own (default: that of the bundle)'),
    new Option('--release-version <version>', 'its version (default: that of the bundle)'),
    new Option('--hardware <kinds...>', 'hardware that it is for, such as raspberry-pi-5 (default: any)'),
    new Option('--card <cards...>', 'cards of which it needs one, such as akd1000 (default: none)'),
    new Option('--from <version>', 'first version of spikescope that it works with (default: 0.1.0)'),
    new Option('--before <version>', 'first version of spikescope that it does not work with any more'),
    new Option('--journal <schema>', 'oldest schema of the journal that it works with (default: 2)'),
    new Option('--notes <text>', 'what the technician should know'),
    new Option('--change <reference>', 'under which the change was approved'),
    new Option(
      '--balanced-accuracy <share>',
      'least of the hold-out set on the device (default: that of the model in use)',
    ),
    new Option('--triage-sensitivity <share>', 'least of the hold-out set on the device (default: likewise)'),
    new Option('--latency <ms>', 'most for one image on the processor of the device (default: any)'),
    new Option(
      '--learning <what>',
      'what was learned on a device: refit it where that can be (default), or park it with its model',
    ).choices(LEARNING),
  ];
}
