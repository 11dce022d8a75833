import { z } from 'zod';
import { type FleetRow, fleetRows } from '../../../release/fleet/rows.ts';
import { type Survey, surveyFleet } from '../../../release/fleet/survey.ts';
import { DEFAULT_SETTINGS, settingsSchema } from '../../../runtime/appliance/settings/settings.ts';
import { parseEndpoint } from '../../../telehealth/endpoint.ts';
import { note, print, printJson } from '../../../ui/terminal/console.ts';
import { tableLines } from '../../../ui/terminal/table.ts';
import { parseOptions } from '../../shared/options.ts';

const { topicPrefix, clientId, alpn, ca, cert, key } = settingsSchema.shape;
const optionsSchema = z.object({
  broker: z.string().min(1),
  topicPrefix: topicPrefix.default(DEFAULT_SETTINGS.topicPrefix),
  wait: z.coerce.number().min(0.1).max(600).default(5),
  ...{ clientId, alpn, ca, cert, key },
  json: z.boolean().default(false),
});
type FleetOptions = z.infer<typeof optionsSchema>;

export async function showFleet(raw: unknown): Promise<void> {
  const options = parseOptions(optionsSchema, raw);
  const survey = await surveyFleet({
    endpoint: endpointOf(options),
    prefix: options.topicPrefix,
    wait: options.wait * 1000,
  });
  const rows = fleetRows(survey);
  if (options.json) {
    printJson({ devices: rows, ignored: survey.ignored });
    return;
  }
  for (const line of fleetText(rows)) print(line);
  for (const line of ignoredText(survey)) note(line);
}

function endpointOf({ broker, ca, cert, key, alpn, clientId }: FleetOptions) {
  const files = { ...(ca && { ca }), ...(cert && { cert }), ...(key && { key }) };
  return parseEndpoint(broker, files, { ...(alpn && { alpn }), ...(clientId && { clientId }) });
}

function fleetText(rows: readonly FleetRow[]): string[] {
  if (rows.length === 0) return ['no device has said anything'];
  const header = [
    ...[
      'device',
      'state',
      'model',
      'program',
      'installed',
      'waits or tried',
      'gave up',
      'update',
      'last heard',
    ],
  ];
  const body = rows.map((row) => [
    row.device,
    `${row.status ?? '–'}${row.stale ? ', stale' : ''}`,
    row.model ?? '–',
    row.application ?? '–',
    minute(row.since),
    [...row.pending, ...row.trial.map((kind) => `${kind} on trial`)].join(', ') || '–',
    row.fellBack.join('; ') || '–',
    row.update ?? '–',
    minute(row.lastSeen),
  ]);
  const stale = rows.filter((row) => row.stale).length;
  return [
    ...tableLines(
      [header, ...body],
      header.map((_, column) => column),
    ),
    `${rows.length} ${rows.length === 1 ? 'device' : 'devices'}, ${stale} of them stale`,
  ];
}

function minute(time: string | null): string {
  return time === null ? '–' : time.slice(0, 16).replace('T', ' ');
}

const REASONS = [
  ['oversized', 'too large'],
  ['malformed', 'not what a device sends'],
  ['foreign', 'not of the device in whose topic they stand'],
  ['beyond', 'of devices beyond the greatest number'],
] as const satisfies readonly (readonly [keyof Survey['ignored'], string])[];

function ignoredText({ ignored }: Survey): string[] {
  return REASONS.flatMap(([reason, words]) => {
    const count = ignored[reason] ?? 0;
    return count === 0 ? [] : [`messages left out, ${words}: ${count}`];
  });
}
