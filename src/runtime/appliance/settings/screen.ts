/** The screen's settings: where its page is served, and to whom. */
import { z } from 'zod';

/** Of the page on loopback, where nothing else is said. */
export const DEFAULT_SCREEN_PORT = 8646;

const port = z
  .number('a port')
  .int('a port')
  .min(0, 'a port, 0 for any that is free')
  .max(65_535, 'a port, at most 65535');
const filePath = z.string('the path of a file').min(1, 'the path of a file');

const HOST = 'a name or an address as it is typed, without a port';

/** The page for paired devices of the clinic's network, with TLS. */
const networkSchema = z.strictObject({
  port: port.min(1, 'a port from 1').describe('TCP port on the network'),
  address: z.string().min(1).max(64).default('0.0.0.0').describe('Address to listen on'),
  hosts: z
    .array(z.string(HOST).regex(/^[A-Za-z0-9.:[\]-]{1,253}$/, HOST))
    .min(1, 'at least one name')
    .max(16, 'at most 16 names')
    .describe('Names and addresses by which the device is reached; any other is refused'),
  cert: filePath.describe('Certificate for those names, PEM'),
  key: filePath.describe('Its key, PEM'),
});

export const screenSettingsSchema = z
  .union(
    [
      z.boolean(),
      port,
      z.strictObject({
        port: port.default(DEFAULT_SCREEN_PORT).describe('TCP port on 127.0.0.1'),
        network: networkSchema.optional().describe('Serve paired devices of the network too, without pixels'),
      }),
    ],
    'true, false, a port, or port and network',
  )
  .describe('Serve the page of the screen; by default where the service unit says that a display is there');
export type ScreenSetting = z.infer<typeof screenSettingsSchema>;

export interface ScreenSettings {
  readonly port: number;
  readonly network: z.infer<typeof networkSchema> | null;
}

/** The unit of the kiosk sets it for the service. */
const HAS_DISPLAY = process.env.SPIKESCOPE_DISPLAY === 'kiosk';

/** What was set; null where there is no screen. @param hasDisplay whether one is there where nothing was set */
export function screenSettingsOf(
  setting: ScreenSetting | undefined,
  hasDisplay: boolean = HAS_DISPLAY,
): ScreenSettings | null {
  const said = setting ?? hasDisplay;
  if (said === false) return null;
  if (said === true) return { port: DEFAULT_SCREEN_PORT, network: null };
  if (typeof said === 'number') return { port: said, network: null };
  return { port: said.port, network: said.network ?? null };
}
