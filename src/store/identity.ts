import { randomBytes } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { UsageError } from '../errors.ts';
import { StoredDocument } from './documents.ts';

/** One level of an MQTT topic: nothing in it may look like a separator or a wildcard. */
export const deviceIdSchema = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/);

const identitySchema = z.strictObject({
  schema: z.literal(1),
  device: deviceIdSchema,
  createdAt: z.iso.datetime(),
});
export type DeviceIdentity = z.infer<typeof identitySchema>;

/**
 * Who this device is: made at the first start, the same ever after.
 * @param name of a device that has none yet; by default a random one
 * @throws SpikescopeError `DOCUMENT_*`
 */
export async function openIdentity(
  dataFolder: string,
  name = `scope-${randomBytes(4).toString('hex')}`,
): Promise<StoredDocument<DeviceIdentity>> {
  return StoredDocument.open(path.join(dataFolder, 'device.json'), identitySchema, () => ({
    schema: 1,
    device: name,
    createdAt: new Date().toISOString(),
  }));
}

/** @throws UsageError `DEVICE_ID` */
export function parseDeviceId(text: string): string {
  const parsed = deviceIdSchema.safeParse(text);
  if (parsed.success) return parsed.data;
  throw new UsageError('DEVICE_ID', 'This cannot be the name of a device', {
    field: '--device-id',
    expected: 'up to 64 letters, digits, dots, dashes and underscores, beginning with a letter or digit',
    received: JSON.stringify(text),
  });
}
