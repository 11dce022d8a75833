import { z } from 'zod';
import { SpikescopeError } from '../errors.ts';
import { type ClassTables, EMPTY_CLASS_TABLE } from '../model/bundle/class-table.ts';
import type { QueuedMessage } from '../store/outbox.ts';
import type { Publication } from './connection.ts';
import { FHIR_CONTENT_TYPE, messageBundleOf } from './fhir/message-bundle.ts';
import { type ResultVersion, resultUpTo } from './older-result.ts';
import { resultSchema } from './result.ts';
import type { Topics } from './topics.ts';

/** What the properties of a message need, of whatever version of the program wrote the result. */
const headSchema = z.object({
  schema: z.string(),
  device: z.string(),
  model: z.object({ name: z.string(), version: z.string() }),
});

/**
 * The message on the wire for one in the outbox. A result's payload is the journal's, byte for byte, unless its receivers
 * read no version as new as that; its FHIR form is derived from the journal's and from the class table of the model that
 * read it, so that it is the same each time it is sent.
 * @throws SpikescopeError `RESULT_UNREADABLE` where the FHIR form of a result of another version cannot be made
 */
export function publicationOf(
  { channel, payload, id, sequence }: QueuedMessage,
  topics: Topics,
  classTables: ClassTables = () => EMPTY_CLASS_TABLE,
  newest: ResultVersion = 2,
): Publication {
  // Increasing in the order of recording, also where the clock was not.
  const properties = (of: unknown) => ({ ...describedBy(of), sequence: String(sequence) });
  if (channel === 'result') {
    const sent = resultUpTo(newest, payload);
    const userProperties = properties(JSON.parse(sent));
    return { topic: topics.result, payload: sent, retain: false, userProperties };
  }
  const document: unknown = JSON.parse(payload);
  const parsed = resultSchema.safeParse(document);
  if (!parsed.success) {
    throw new SpikescopeError('RESULT_UNREADABLE', 'A result has no FHIR form', {
      field: id,
      expected: 'a result of this version',
      received: parsed.error.issues[0].message,
      cause: parsed.error,
    });
  }
  return {
    topic: topics.fhir,
    payload: JSON.stringify(messageBundleOf(parsed.data, classTables(parsed.data.model.digest))),
    retain: false,
    contentType: FHIR_CONTENT_TYPE,
    userProperties: { ...properties(document), schema: 'fhir/R4/Bundle' },
  };
}

/** Properties of the result itself: the device may run another model by the time it is sent. */
function describedBy(document: unknown): Record<string, string> {
  const head = headSchema.safeParse(document);
  if (!head.success) return {};
  const { schema, device, model } = head.data;
  return { schema, device, model: `${model.name}@${model.version}` };
}
