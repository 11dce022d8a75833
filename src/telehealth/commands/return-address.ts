import type { IPublishPacket } from 'mqtt';
import type { Topics } from '../topics.ts';

const MAXIMUM_TOPIC_BYTES = 256;
const MAXIMUM_CORRELATION_BYTES = 256;

export interface ReturnAddress {
  readonly topic: string;
  /** What the broker's consent to the topic holds for: all that lies below it. */
  readonly permission: string;
  readonly correlationData?: Buffer;
}

/**
 * Where an answer goes: to the topic that the command names where that is allowed, else to the device's own. Nothing else
 * is answered to: a sender must not have the device speak in another's name, nor at a topic for which its broker hangs up.
 * Null where the sender wants more back than an answer carries.
 * @param allowed topics, and what lies below them, beside the device's own
 */
export function returnAddressOf(
  properties: IPublishPacket['properties'],
  topics: Topics,
  allowed: readonly string[],
): ReturnAddress | null {
  const { responseTopic: asked = topics.response, correlationData } = properties ?? {};
  if (correlationData !== undefined && correlationData.length > MAXIMUM_CORRELATION_BYTES) return null;
  const consented = isTopicName(asked) ? permissionOf(asked, topics, allowed) : undefined;
  const address =
    consented === undefined
      ? { topic: topics.response, permission: topics.response }
      : { topic: asked, permission: consented };
  return { ...address, ...(correlationData !== undefined && { correlationData }) };
}

function permissionOf(
  topic: string,
  { prefix, response }: Topics,
  allowed: readonly string[],
): string | undefined {
  if (topic === response) return response;
  if (isBelow(topic, response)) return `${response}/#`;
  // What devices and brokers say themselves is nobody's answer, whatever is allowed.
  if ([prefix, 'spikescope', 'homeassistant', '$SYS'].some((root) => isBelow(topic, root))) return undefined;
  return topic.startsWith('$') ? undefined : allowed.find((root) => isBelow(topic, root));
}

function isBelow(topic: string, root: string): boolean {
  return topic === root || topic.startsWith(`${root}/`);
}

function isTopicName(topic: string): boolean {
  return topic !== '' && Buffer.byteLength(topic) <= MAXIMUM_TOPIC_BYTES && !/[+#\0]/.test(topic);
}
