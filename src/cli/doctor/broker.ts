import mqtt from 'mqtt';
import { SpikescopeError } from '../../errors.ts';
import { addressOf, parseEndpoint } from '../../telehealth/endpoint.ts';
import type { Check } from './check.ts';

const PATIENCE = 5_000;

/** The broker takes a connection, where one is named. */
export const checkBroker: Check = async ({ broker }) => {
  if (broker === undefined) {
    return {
      part: 'broker',
      state: 'absent',
      detail: 'none was named; the embedded one serves this machine alone',
      remedy: 'doctor --broker mqtt://host tries one',
    };
  }
  try {
    const endpoint = parseEndpoint(broker);
    const { protocol, host, port, username, password, tls } = endpoint;
    const client = await mqtt.connectAsync({
      ...{ protocol, host, port, ...tls },
      ...(username !== undefined && { username }),
      ...(password !== undefined && { password }),
      connectTimeout: PATIENCE,
      reconnectPeriod: 0,
    });
    await client.endAsync();
    return { part: 'broker', state: 'works', detail: `${addressOf(endpoint)} takes a connection` };
  } catch (error) {
    return {
      part: 'broker',
      state: 'broken',
      detail: error instanceof SpikescopeError ? error.describe() : reasonOf(error),
      remedy: 'check address, network, credentials and certificates; results wait in the journal meanwhile',
    };
  }
};

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message || String(error) : String(error);
}
