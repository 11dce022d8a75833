/** What devices say of themselves, as it is read: what is known of it, and nothing of what is not the device's own. */
import { z } from 'zod';
import { printable } from '../../errors.ts';
import { deviceIdSchema } from '../../store/identity.ts';

/** The retained topics of a device that are looked at. */
export const FLEET_TOPICS = ['status', 'model', 'health', 'update'] as const;
export type FleetTopic = (typeof FLEET_TOPICS)[number];

/** Bytes of a message at most. */
export const MAXIMUM_PAYLOAD = 65_536;

const device = deviceIdSchema;
/** For a terminal: without what it would obey. */
const shown = (length: number) => z.string().max(length).transform(printable);
const release = z.object({
  name: shown(128),
  version: shown(128),
  installedAt: shown(32).nullable().catch(null),
});
const kind = z.object({
  active: release.nullable().catch(null),
  pending: release.nullable().catch(null),
  trial: z.boolean().catch(false),
  refused: z
    .array(release.extend({ reason: shown(240).catch('') }))
    .max(8)
    .catch([]),
});

const schemas = {
  status: z.object({
    schema: z.literal('spikescope/status/1'),
    device,
    status: z.enum(['online', 'stopped', 'offline']),
    at: z.iso.datetime().optional(),
  }),
  model: z.object({
    schema: z.literal('spikescope/model/1'),
    device,
    model: z.object({ name: shown(128), version: shown(64) }),
  }),
  health: z.object({ schema: z.literal('spikescope/health/1'), device, at: z.iso.datetime() }),
  update: z.object({
    schema: z.literal('spikescope/update/1'),
    device,
    at: z.iso.datetime(),
    application: shown(64),
    operation: z
      .object({
        stage: shown(32),
        target: shown(256).nullable(),
        outcome: shown(32).nullable(),
        code: shown(64).nullable().catch(null),
        at: z.iso.datetime(),
      })
      .nullable(),
    installed: z
      .object({
        model: kind.optional().catch(undefined),
        application: kind.optional().catch(undefined),
        configuration: kind.optional().catch(undefined),
      })
      .nullable()
      .catch(null),
  }),
} as const satisfies Record<FleetTopic, z.ZodType>;

/** What a device has said, by topic. */
export type Said = { [Topic in FleetTopic]?: z.output<(typeof schemas)[Topic]> };

export type Message = { readonly device: string; readonly said: Said } | { readonly ignored: IgnoredFor };
/** Why a message counts for nothing. */
export type IgnoredFor = 'oversized' | 'malformed' | 'foreign';

/**
 * A message as it came.
 * @param prefix what all topics begin with
 */
export function readMessage(prefix: string, topic: string, payload: Buffer): Message {
  const [name = '', last = '', ...rest] = topic.startsWith(`${prefix}/`)
    ? topic.slice(prefix.length + 1).split('/')
    : [];
  const kindOfTopic = FLEET_TOPICS.find((each) => each === last);
  if (kindOfTopic === undefined || rest.length > 0 || !deviceIdSchema.safeParse(name).success) {
    return { ignored: 'foreign' };
  }
  if (payload.length > MAXIMUM_PAYLOAD) return { ignored: 'oversized' };
  const parsed = schemas[kindOfTopic].safeParse(parseJson(payload));
  if (!parsed.success) return { ignored: 'malformed' };
  // Nobody speaks for another.
  if (parsed.data.device !== name) return { ignored: 'foreign' };
  return { device: name, said: { [kindOfTopic]: parsed.data } };
}

function parseJson(payload: Buffer): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch {
    return undefined;
  }
}
