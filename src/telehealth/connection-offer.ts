import type { IConnackPacket } from 'mqtt';
import { SpikescopeError } from '../errors.ts';

/** What a broker grants at the start. */
export interface Offer {
  readonly protocolVersion: 4 | 5;
  /** Messages that it takes before it has acknowledged the first of them. */
  readonly receiveMaximum: number;
}

/** @throws SpikescopeError `BROKER_UNFIT` */
export function offerOf({ properties = {} }: IConnackPacket, protocolVersion: 4 | 5, address: string): Offer {
  const { receiveMaximum = 65_535, maximumQoS = 2, retainAvailable = true } = properties;
  if (maximumQoS < 1 || !retainAvailable) {
    throw new SpikescopeError('BROKER_UNFIT', 'The broker does not offer what results need', {
      field: address,
      expected: 'delivery at least once (QoS 1) and retained messages',
      received: maximumQoS < 1 ? `QoS ${maximumQoS} at most` : 'no retained messages',
      remedy: 'allow them at the broker, or use another',
    });
  }
  return { protocolVersion, receiveMaximum: Math.max(1, receiveMaximum) };
}
