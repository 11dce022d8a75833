import { Command, Option } from 'commander';
import { z } from 'zod';
import { print, printJson } from '../../ui/terminal/console.ts';
import { type InstallOutcome, installFrom } from '../../updates/install/install-from.ts';
import { RELEASE_KINDS } from '../../updates/release.ts';
import { parseOptions } from '../shared/options.ts';
import { deviceFacts } from './device-facts.ts';
import { channelsOf, deviceSchema, withDeviceOptions, withUpdates } from './device-options.ts';
import { openInstaller } from './installing.ts';
import { StageBars } from './stage-bars.ts';

const optionsSchema = deviceSchema.extend({
  kind: z.enum(RELEASE_KINDS).default('model'),
  again: z.boolean().default(false),
});
type InstallOptions = z.infer<typeof optionsSchema>;

export function installCommand(): Command {
  const command = new Command('install')
    .description(
      'Bring a release onto this device, write it into the slot that does not serve, and prove it there',
    )
    .argument('[target]', 'name as `provision verify` lists it (default: the newest of its kind that fits)')
    .addOption(
      new Option('--kind <kind>', 'what is looked for where no target is named (default: model)').choices(
        RELEASE_KINDS,
      ),
    )
    .option('--again', 'try once more what was refused on this device before');
  return withDeviceOptions(command).action(async (name: string | undefined, raw: unknown) => {
    const options = parseOptions(optionsSchema, raw);
    const outcome = await install(name ?? null, options);
    if (options.json) printJson({ source: options.from, ...outcome });
    else print(textOf(outcome));
  });
}

async function install(target: string | null, options: InstallOptions): Promise<InstallOutcome> {
  const shown = new StageBars();
  try {
    return await withUpdates(options, async (updates, source, device) => {
      const installer = await openInstaller({
        ...{ ...device, source, again: options.again },
        onProgress: (progress) => shown.show(progress),
      });
      const subscription = {
        channels: channelsOf(options),
        site: options.site ?? null,
        device: await deviceFacts(),
      };
      const request = {
        target,
        kind: options.kind,
        subscription,
        acceptExpired: options.acceptExpired ?? null,
      };
      return await installFrom(updates, source, request, installer);
    });
  } finally {
    shown.stop();
  }
}

function textOf(outcome: InstallOutcome): string {
  if (outcome.outcome === 'older') {
    return `older than this device: it has ${outcome.received}, here is ${outcome.expected}; nothing was taken`;
  }
  const { occupant } = outcome;
  if (occupant === null) return 'there is nothing newer than what came with the program';
  if (outcome.outcome === 'current') {
    return `${occupant.kind} ${occupant.name} ${occupant.version} is in use; there is nothing newer`;
  }
  return `${occupant.kind} ${occupant.name} ${occupant.version} is proven, and waits for the next start of run`;
}
