import type { IConnackPacket } from 'mqtt';
import { unfit } from './connection-fault.ts';
import { addressOf, type Endpoint } from './endpoint.ts';

/** What a broker grants at the start. */
export interface Offer {
  readonly protocolVersion: 4 | 5;
  /** Messages that it takes before it has acknowledged the first of them. */
  readonly receiveMaximum: number;
  /** Bytes of the largest packet that it takes. */
  readonly maximumPacketSize: number;
}

/** @throws SpikescopeError `BROKER_UNFIT` */
export function offerOf(
  { properties = {} }: IConnackPacket,
  protocolVersion: 4 | 5,
  endpoint: Endpoint,
): Offer {
  const {
    receiveMaximum = 65_535,
    maximumQoS = 2,
    retainAvailable = true,
    maximumPacketSize = Infinity,
  } = properties;
  if (maximumQoS < 1) throw unfit('qos', addressOf(endpoint), `QoS ${maximumQoS} at most`);
  if (!retainAvailable && endpoint.retain !== false) {
    throw unfit('retain', addressOf(endpoint), 'no retained messages');
  }
  return { protocolVersion, receiveMaximum: Math.max(1, receiveMaximum), maximumPacketSize };
}
