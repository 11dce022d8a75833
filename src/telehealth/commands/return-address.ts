import type { IPublishPacket } from 'mqtt';
import type { Topics } from '../topics.ts';

const MAXIMUM_TOPIC_BYTES = 256;
const MAXIMUM_CORRELATION_BYTES = 256;

export interface ReturnAddress {
  readonly topic: string;
  readonly correlationData?: Buffer;
}

/**
 * Where an answer goes: to the topic that the command names, or to the device's own. Null where it names one that
 * could be taken for what a device or the broker itself says: a sender must not have us speak in another's name.
 */
export function returnAddressOf(
  properties: IPublishPacket['properties'],
  topics: Topics,
): ReturnAddress | null {
  const { responseTopic: topic = topics.response, correlationData } = properties ?? {};
  if (!isAddress(topic, topics)) return null;
  if (correlationData === undefined) return { topic };
  return correlationData.length > MAXIMUM_CORRELATION_BYTES ? null : { topic, correlationData };
}

function isAddress(topic: string, { response }: Topics): boolean {
  if (topic === response || topic.startsWith(`${response}/`)) return isTopicName(topic);
  return isTopicName(topic) && !/^(spikescope|homeassistant)(\/|$)|^\$/.test(topic);
}

function isTopicName(topic: string): boolean {
  return topic !== '' && Buffer.byteLength(topic) <= MAXIMUM_TOPIC_BYTES && !/[+#\0]/.test(topic);
}
