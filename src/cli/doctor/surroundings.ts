/** Where `doctor` looks: as it was told, else as the service on this machine, else as `run` without options would. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { UsageError } from '../../errors.ts';
import { readConfiguration } from '../../runtime/appliance/settings/configuration.ts';
import type { Settings } from '../../runtime/appliance/settings/settings.ts';
import { DEFAULT_MODEL, modelFile } from '../../runtime/engine/shipped-models.ts';
import { defaultDataFolder } from '../../store/folder.ts';
import { parseEndpoint } from '../../telehealth/endpoint.ts';
import type { Surroundings } from './check.ts';

/** Options of `doctor` that `run` has too. */
export interface DoctorChoice {
  readonly config?: string | undefined;
  readonly model?: string | undefined;
  readonly data?: string | undefined;
  readonly broker?: string | undefined;
  readonly ca?: string | undefined;
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
}

/** Where systemd looks for units, the administrator's first. */
const UNITS = ['/etc/systemd/system', '/usr/local/lib/systemd/system', '/usr/lib/systemd/system'].map(
  (folder) => path.join(folder, 'spikescope.service'),
);

/** What the unit of the service says; null where none is installed. */
interface Service {
  readonly config: string | null;
  readonly stateHome: string | null;
}

/**
 * @param say takes what a person should know about the choice
 * @throws UsageError `BROKER_*` for what was typed, and as `readConfiguration` for a file that was named
 */
export function surroundingsOf(
  choice: DoctorChoice,
  say: (line: string) => void,
  units: readonly string[] = UNITS,
): Surroundings {
  const service = serviceOf(units);
  const settings: Partial<Settings> = { ...settingsOf(choice, service, say), ...given(choice) };
  const { broker, ca, cert, key, model, data } = settings;
  const tls = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  const isExternal = broker !== undefined && broker !== 'embedded';
  // What was typed can be wrong usage; what stands in the service's configuration is a part to be examined.
  if (choice.broker !== undefined && isExternal) parseEndpoint(broker, tls);
  const home = service?.stateHome ?? null;
  return {
    dev: '/dev',
    sys: '/sys',
    model: modelFile(model ?? DEFAULT_MODEL),
    dataFolder: path.resolve(
      data ?? (home === null ? defaultDataFolder() : defaultDataFolder({ XDG_STATE_HOME: home })),
    ),
    tls,
    ...(isExternal && { broker }),
  };
}

/** Of the file that was named, else of the service's, which only the service and root may be able to read. */
function settingsOf(
  { config }: DoctorChoice,
  service: Service | null,
  say: (line: string) => void,
): Partial<Settings> {
  if (config !== undefined) return readConfiguration(config);
  if (service?.config == null) return {};
  try {
    const settings = readConfiguration(service.config);
    say(`Examined as the service is configured: ${service.config}`);
    return settings;
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    say(`The service's settings are not heeded: ${error.describe()}`);
    return {};
  }
}

function given({ config: _, ...options }: DoctorChoice): Partial<Settings> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

function serviceOf(units: readonly string[]): Service | null {
  for (const unit of units) {
    const text = readIfThere(unit);
    if (text === null) continue;
    return {
      config: /^ExecStart=.*\s--config[= ](\S+)/m.exec(text)?.[1] ?? null,
      stateHome: /^Environment=.*\bXDG_STATE_HOME=("?)([^\s"]+)\1/m.exec(text)?.[2] ?? null,
    };
  }
  return null;
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
