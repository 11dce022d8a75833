import { createServer, type Server } from 'node:net';
import { Aedes } from 'aedes';
import { reasonOf, SpikescopeError } from '../errors.ts';
import type { Endpoint } from './endpoint.ts';

/** A broker inside this process. */
export interface EmbeddedBroker {
  readonly endpoint: Endpoint;
  close(): Promise<void>;
}

/** This machine alone: the embedded broker has neither passwords nor encryption. */
const LOOPBACK = '127.0.0.1';

/**
 * Starts a broker (MQTT 3.1.1) on loopback. It keeps retained messages and sessions in memory: they end with it.
 * @param port 0 for any that is free
 * @throws SpikescopeError `BROKER_PORT` when the port cannot be had
 */
export async function startEmbeddedBroker(port = 0): Promise<EmbeddedBroker> {
  const aedes = await Aedes.createBroker();
  const server = createServer((socket) => aedes.handle(socket));
  try {
    await listen(server, port);
  } catch (cause) {
    await closeBroker(aedes);
    throw new SpikescopeError('BROKER_PORT', 'The embedded broker cannot have this port', {
      field: '--broker-port',
      received: reasonOf(cause),
      remedy: 'give another port, or none for any that is free',
      cause,
    });
  }
  const address = server.address();
  const bound = typeof address === 'object' && address !== null ? address.port : port;
  return {
    endpoint: { protocol: 'mqtt', host: LOOPBACK, port: bound, tls: {}, versions: [4] },
    async close() {
      await closeBroker(aedes);
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

function listen(server: Server, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, LOOPBACK, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function closeBroker(aedes: Aedes): Promise<void> {
  return new Promise((resolve) => aedes.close(() => resolve()));
}
