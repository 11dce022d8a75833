import { X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createSecureContext } from 'node:tls';
import { UsageError } from '../errors.ts';

/** Files in PEM form for mqtts: authorities to trust, and this device's own certificate and key. */
export interface TlsFiles {
  readonly ca?: string;
  readonly cert?: string;
  readonly key?: string;
}

/** Where a broker is and how to talk to it. */
export interface Endpoint {
  readonly protocol: 'mqtt' | 'mqtts';
  readonly host: string;
  readonly port: number;
  readonly username?: string;
  readonly password?: string;
  readonly tls: { readonly ca?: Buffer; readonly cert?: Buffer; readonly key?: Buffer };
  /** 5 with the older 3.1.1 as a fall-back, or 3.1.1 alone where it is known that the broker has no other. */
  readonly versions: readonly (4 | 5)[];
}

const DEFAULT_PORTS = { mqtt: 1883, mqtts: 8883 } as const;

/** Address for people and logs: without credentials. */
export function addressOf({ protocol, host, port }: Endpoint): string {
  return `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}`;
}

/**
 * Reads a broker's URL and the files that go with it. Nothing in either can switch certificate checks off.
 * @throws UsageError `BROKER_URL`, `BROKER_TLS`
 */
export function parseEndpoint(text: string, files: TlsFiles = {}): Endpoint {
  const url = URL.canParse(text) ? new URL(text) : null;
  const protocol = url?.protocol === 'mqtt:' ? 'mqtt' : url?.protocol === 'mqtts:' ? 'mqtts' : null;
  if (url === null || protocol === null || url.hostname === '' || hasPath(url)) {
    throw new UsageError('BROKER_URL', 'This is not the address of an MQTT broker', {
      field: '--broker',
      expected: 'embedded, mqtt://host[:port] or mqtts://host[:port]',
      received: url === null ? text : `${url.protocol}//${url.host}${url.pathname}${url.search}`,
    });
  }
  return {
    protocol,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port: url.port === '' ? DEFAULT_PORTS[protocol] : Number(url.port),
    ...(url.username && { username: decoded(url.username) }),
    ...(url.password && { password: decoded(url.password) }),
    tls: readTls(protocol, files),
    versions: [5, 4],
  };
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

function readTls(protocol: 'mqtt' | 'mqtts', { ca, cert, key }: TlsFiles): Endpoint['tls'] {
  if (protocol === 'mqtt' && (ca ?? cert ?? key) !== undefined) {
    throw new UsageError('BROKER_TLS', 'Certificates were given for a connection without encryption', {
      expected: 'a broker at mqtts://… beside --ca, --cert and --key',
      received: 'mqtt://…',
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
        received: cause instanceof Error ? cause.message : String(cause),
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
      received: cause instanceof Error ? cause.message : String(cause),
      cause,
    });
  }
}
