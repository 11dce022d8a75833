import { randomUUID } from 'node:crypto';
import { SpikescopeError } from '../../errors.ts';
import { Connection } from '../../telehealth/connection.ts';
import { addressOf, parseEndpoint } from '../../telehealth/endpoint.ts';
import type { Check } from './check.ts';

const PATIENCE = 5_000;

/** The broker takes a connection, where one is named. */
export const checkBroker: Check = async ({ broker, tls }) => {
  if (broker === undefined) {
    return {
      part: 'broker',
      state: 'absent',
      detail: 'none was named; the embedded one serves this machine alone',
      remedy: 'doctor --broker mqtt://host tries one',
    };
  }
  try {
    const endpoint = parseEndpoint(broker, tls);
    // A name of its own: the device's would push a running appliance off the broker.
    const clientId = `spikescope-doctor-${randomUUID().slice(0, 8)}`;
    const connection = await Connection.open(endpoint, { clientId, patience: PATIENCE });
    await connection.close();
    return { part: 'broker', state: 'works', detail: `${addressOf(endpoint)} takes a connection` };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return {
      part: 'broker',
      state: 'broken',
      detail: error.describe(),
      remedy: 'check address, network, credentials and certificates; results wait in the journal meanwhile',
    };
  }
};
