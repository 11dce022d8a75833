import type { Command } from 'commander';
import { UsageError } from '../../errors.ts';
import { readConfiguration } from '../../runtime/appliance/settings/configuration.ts';
import {
  DEFAULT_SETTINGS,
  type Settings,
  settingOfWord,
  settingsSchema,
  wordOf,
} from '../../runtime/appliance/settings/settings.ts';
import { firstIssue } from '../../schema.ts';
import { shownAddress } from '../../telehealth/redaction.ts';

/** What `run` was told: by the command line, else by the configuration file, else by default. */
export type RunOptions = Settings;

/**
 * The settings of a parsed command line.
 * @param overlay an installed configuration: it goes before the file, and what is typed goes before it
 * @throws UsageError `OPTION_VALUE`, `OPTION_COMBINATION`, and as `readConfiguration`
 */
export function runOptionsOf(command: Command, overlay: Partial<Settings> = {}): RunOptions {
  const { config, ...words } = command.opts<Readonly<Record<string, unknown>>>();
  const said = Object.entries(words).map(([name, word]) => [name, settingOfWord(name, word)] as const);
  const file = typeof config === 'string' ? readConfiguration(config) : {};
  const parsed = settingsSchema.safeParse({
    ...DEFAULT_SETTINGS,
    ...file,
    ...overlay,
    ...Object.fromEntries(said),
  });
  if (!parsed.success) {
    const { field, expected } = firstIssue(parsed.error);
    throw new UsageError('OPTION_VALUE', 'An option has a value that it cannot have', {
      field: `--${wordOf(field.split('.')[0])}`,
      expected,
    });
  }
  refuseContradictions(parsed.data);
  return parsed.data;
}

function refuseContradictions(options: RunOptions): void {
  const external = options.broker !== 'embedded';
  if (external && options.brokerPort !== undefined) {
    throw new UsageError('OPTION_COMBINATION', '--broker-port is for the embedded broker', {
      received: `--broker ${shownAddress(options.broker)}`,
      remedy: 'write the port into the broker’s URL',
    });
  }
  if (!external && (options.clientId ?? options.alpn) !== undefined) {
    throw new UsageError('OPTION_COMBINATION', '--client-id and --alpn are for a broker of your own', {
      received: '--broker embedded',
    });
  }
  if (!external && (options.ca ?? options.cert ?? options.key) !== undefined) {
    throw new UsageError('OPTION_COMBINATION', '--ca, --cert and --key are for a broker at mqtts://…', {
      received: '--broker embedded',
    });
  }
}
