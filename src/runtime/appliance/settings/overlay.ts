import { UsageError } from '../../../errors.ts';
import { readConfiguration } from './configuration.ts';
import { type SettingName, type Settings, wordOf } from './settings.ts';

/** What decides where installed releases lie and which of them serve: no release may change that. */
const OWN: readonly SettingName[] = ['data', 'model', 'source', 'deviceId'];

/**
 * Settings that were installed as a release: a configuration file that lies over the device's own, and below what is given
 * on the command line.
 * @throws UsageError as `readConfiguration`; `CONFIG_OVERLAY` for a setting that belongs to the device
 */
export function readOverlay(file: string): Partial<Settings> {
  const overlay = readConfiguration(file);
  const foreign = OWN.find((name) => Object.hasOwn(overlay, name));
  if (foreign === undefined) return overlay;
  throw new UsageError('CONFIG_OVERLAY', 'An installed configuration sets what belongs to the device', {
    file,
    field: wordOf(foreign),
    expected: `none of ${OWN.map(wordOf).join(', ')}`,
    received: wordOf(foreign),
    remedy: 'leave it to the configuration file of the device',
  });
}
