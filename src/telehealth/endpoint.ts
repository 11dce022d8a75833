import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { reasonOf, UsageError } from '../errors.ts';
import { shownAddress } from './redaction.ts';

/** Files in PEM form for mqtts: authorities to trust, and this device's own certificate and key. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** What a broker asks for beside an address. */
export interface BrokerDemands {
  /** Protocol that is named in the TLS handshake (ALPN), for MQTT on a port that others share. */
  readonly alpn?: string;
  /** The name of the connection, where the broker gives it. */
  readonly clientId?: string;
  /** False where the broker keeps no retained messages. */
  readonly retain?: boolean;
}

const PROTOCOLS = ['mqtt', 'mqtts', 'ws', 'wss'] as const;
type Protocol = (typeof PROTOCOLS)[number];

/** Where a broker is and how to talk to it. */
export interface Endpoint {
  /** `ws` and `wss`: MQTT in a WebSocket. */
  readonly protocol: Protocol;
  readonly host: string;
  readonly port: number;
  /** Path and query of a WebSocket; may hold a secret. */
  readonly path?: string;
  readonly username?: string;
  readonly password?: string;
  readonly tls: {
    readonly ca?: Buffer;
    readonly cert?: Buffer;
    readonly key?: Buffer;
    readonly ALPNProtocols?: string[];
  };
  /** The name of the connection; by default made of the device's. */
  readonly clientId?: string;
  /** Whether messages are sent to be retained. Default true. */
  readonly retain?: boolean;
  /** 5 with the older 3.1.1 as a fall-back, or 3.1.1 alone where it is known that the broker has no other. */
  readonly versions: readonly (4 | 5)[];
}

const DEFAULT_PORTS = { mqtt: 1883, mqtts: 8883, ws: 80, wss: 443 } as const;
/** Where brokers expect the WebSocket. */
const DEFAULT_PATH = '/mqtt';

/** Address for people and logs: without credentials. */
export function addressOf({ protocol, host, port }: Endpoint): string {
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Reads a broker's URL and the files that go with it. Nothing in either can switch certificate checks off.
 * @throws UsageError `BROKER_URL`, `BROKER_TLS`
 */
export function parseEndpoint(text: string, files: TlsFiles = {}, demands: BrokerDemands = {}): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : null;
  const protocol = PROTOCOLS.find((name) => url?.protocol === `${name}:`);
  if (
    url === null ||
    protocol === undefined ||
    url.hostname === '' ||
    (!isWebSocket(protocol) && hasPath(url))
  ) {
    throw new UsageError('BROKER_URL', 'This is not the address of an MQTT broker', {
      field: '--broker',
      expected: 'embedded, mqtt://host[:port], mqtts://host[:port], ws://host[:port][/path] or wss://…',
      received: shownAddress(text),
    });
  }
  const { alpn, clientId, retain } = demands;
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORTS[protocol] : Number(url.port),
    ...(isWebSocket(protocol) && { path: hasPath(url) ? `${url.pathname}${url.search}` : DEFAULT_PATH }),
    ...(url.username && { username: decoded(url.username) }),
    ...(url.password && { password: decoded(url.password) }),
    tls: { ...readTls(protocol, files), ...(alpn !== undefined && alpnOf(alpn, protocol)) },
    ...(clientId !== undefined && { clientId }),
    ...(retain !== undefined && { retain }),
    versions: [5, 4],
  };
}

function isWebSocket(protocol: Protocol): boolean {
  return protocol === 'ws' || protocol === 'wss';
}

function alpnOf(alpn: string, protocol: Protocol): { ALPNProtocols: string[] } {
  if (protocol === 'mqtts') return { ALPNProtocols: [alpn] };
  throw new UsageError(
    'BROKER_TLS',
    'A protocol for the handshake was given for a connection that has none',
    {
      expected: 'a broker at mqtts://… beside --alpn',
      received: `${protocol}://…`,
    },
  );
}

/** Credentials with a stray % in them are taken as they stand. */
function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function hasPath(url: URL): boolean {
  return !['', '/'].includes(url.pathname) || url.search !== '' || url.hash !== '';
}

function readTls(protocol: Protocol, { ca, cert, key }: TlsFiles): Endpoint['tls'] {
  if ((protocol === 'mqtt' || protocol === 'ws') && (ca ?? cert ?? key) !== undefined) {
    throw new UsageError('BROKER_TLS', 'Certificates were given for a connection without encryption', {
      expected: 'a broker at mqtts://… or wss://… beside --ca, --cert and --key',
      received: `${protocol}://…`,
    });
  }
  if ((cert === undefined) !== (key === undefined)) {
    throw new UsageError('BROKER_TLS', 'A certificate needs its key, and a key its certificate', {
      expected: 'both --cert and --key',
      received: cert === undefined ? '--key alone' : '--cert alone',
    });
  }
  const tls = {
    ...(ca !== undefined && { ca: readPem(ca, '--ca') }),
    ...(cert !== undefined && { cert: readPem(cert, '--cert') }),
    ...(key !== undefined && { key: readPem(key, '--key') }),
  };
  refuseUnusable(tls, ca, cert);
  return tls;
}

/** A file that is no certificate would otherwise come to light at every attempt to connect, and there without its name. */
function refuseUnusable(tls: Endpoint['tls'], caFile = '', certFile = ''): void {
  const attempt = (file: string, use: () => unknown): void => {
    try {
      use();
    } catch (cause) {
      throw new UsageError('BROKER_TLS', 'A certificate or key cannot be used', {
        file,
        expected: 'PEM, without a passphrase, certificate and key belonging together',
        received: reasonOf(cause),
        cause,
      });
    }
  };
  // An authority's file may hold several certificates; a secure context passes over what it cannot read in it.
  const { ca } = tls;
  if (ca) attempt(caFile, () => new X509Certificate(ca));
  if (tls.cert) attempt(certFile, () => createSecureContext(tls));
}

function readPem(file: string, option: string): Buffer {
  try {
    return readFileSync(file);
  } catch (cause) {
    throw new UsageError('BROKER_TLS', 'A certificate or key cannot be read', {
      file,
      field: option,
      received: reasonOf(cause),
      cause,
    });
  }
}
