import type { Publication } from './publication.ts';

/** Bytes that a PUBLISH takes beside topic, payload and the properties below, at most (MQTT 5, §3.3). */
const FRAME = 24;

/** Bytes of the publication as a packet of MQTT 5, or slightly more. */
export function packetBytes({
  topic,
  payload,
  contentType,
  userProperties,
  correlationData,
}: Publication): number {
  const described = Object.entries(userProperties ?? {}).flat();
  const texts = [topic, payload, contentType ?? 'application/json', ...described];
  return (
    FRAME +
    texts.reduce((sum, text) => sum + Buffer.byteLength(text), 0) +
    5 * described.length +
    (correlationData === undefined ? 0 : correlationData.length + 3)
  );
}

/** The publication, without its description where it is too large with it; null where it is too large without, too. */
export function fitting(publication: Publication, limit: number): Publication | null {
  if (packetBytes(publication) <= limit) return publication;
  const { userProperties: _, ...bare } = publication;
  return packetBytes(bare) <= limit ? bare : null;
}
