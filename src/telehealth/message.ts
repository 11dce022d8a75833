import { z } from 'zod';
import { SpikescopeError } from '../errors.ts';
import { type ClassTables, EMPTY_CLASS_TABLE } from '../model/bundle/class-table.ts';
import type { QueuedMessage } from '../store/outbox.ts';
import type { Publication } from './connection.ts';
import { FHIR_CONTENT_TYPE, messageBundleOf } from './fhir/message-bundle.ts';
import { LABEL_SCHEMA, labelSchema } from './label.ts';
import { type ResultVersion, resultUpTo } from './older-result.ts';
import { resultSchema } from './result.ts';
import type { Topics } from './topics.ts';

/** What the properties of a message need, of whatever version of the program wrote it. */
const headSchema = z.object({
  schema: z.string(),
  device: z.string(),
  model: z.object({ name: z.string(), version: z.string() }),
});

/**
 * The message on the wire for one in the outbox. The payload of a result or a label is the journal's, byte for byte, unless
 * its receivers read no version as new as that of a result; the FHIR form is derived from the journal's and from the class
 * table of the model that read it, so that it is the same each time it is sent.
 * @throws SpikescopeError `RESULT_UNREADABLE` where the FHIR form of what another version wrote cannot be made
 */
export function publicationOf(
  { channel, payload, id, sequence, reading }: QueuedMessage,
  topics: Topics,
  classTables: ClassTables = () => EMPTY_CLASS_TABLE,
  newest: ResultVersion = 2,
): Publication {
  // Increasing in the order of recording, also where the clock was not.
  const sent = channel === 'result' ? resultUpTo(newest, payload) : payload;
  const document: unknown = JSON.parse(sent);
  const described: Record<string, string> = { ...describedBy(document), sequence: String(sequence) };
  if (channel !== 'fhir') {
    return { topic: topics[channel], payload: sent, retain: false, userProperties: described };
  }
  const isLabel = described.schema === LABEL_SCHEMA;
  const label = isLabel ? readable(labelSchema, document, id) : null;
  const result = readable(resultSchema, isLabel ? JSON.parse(reading ?? 'null') : document, id);
  return {
    topic: topics.fhir,
    payload: JSON.stringify(messageBundleOf(result, classTables(result.model.digest), label)),
    retain: false,
    contentType: FHIR_CONTENT_TYPE,
    userProperties: { ...described, schema: 'fhir/R4/Bundle' },
  };
}

function readable<T>(schema: z.ZodType<T>, document: unknown, id: string): T {
  const parsed = schema.safeParse(document);
  if (parsed.success) return parsed.data;
  throw new SpikescopeError('RESULT_UNREADABLE', 'A result has no FHIR form', {
    field: id,
    expected: 'a result of this version',
    received: parsed.error.issues[0].message,
    cause: parsed.error,
  });
}

/** Properties of the message itself: the device may run another model by the time it is sent. */
function describedBy(document: unknown): Record<string, string> {
  const head = headSchema.safeParse(document);
  if (!head.success) return {};
  const { schema, device, model } = head.data;
  return { schema, device, model: `${model.name}@${model.version}` };
}
