import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runOptionsOf } from '../../src/cli/run/options.ts';
import { runCommand } from '../../src/cli/run/run.ts';
import { SpikescopeError } from '../../src/errors.ts';
import { readConfiguration } from '../../src/runtime/appliance/settings/configuration.ts';
import { connectionFault } from '../../src/telehealth/connection-fault.ts';
import { addressOf, parseEndpoint } from '../../src/telehealth/endpoint.ts';

const SECRET = 'Geheimnis';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'redaction-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a person is told; empty where nothing is wrong. */
function told(action: () => unknown): string {
  try {
    action();
    return '';
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return `${error.describe()} ${error.message}`;
  }
}

/** Passwords with what confuses parsers of URLs and of YAML in them. */
const passwords = fc
  .tuple(fc.string({ unit: 'grapheme', maxLength: 6 }), fc.string({ maxLength: 6 }))
  .map(([before, after]) => `${before}${SECRET}${after}`);

/** Addresses with credentials, right and wrong ones. */
const addresses = fc
  .record({
    scheme: fc.constantFrom(
      'mqtt://',
      'mqtts://',
      'ws://',
      'http://',
      'mqtt:/',
      'mqtt:',
      '://',
      '//',
      '',
      'MQTT://',
    ),
    user: fc.constantFrom('u:', ':', 'dr smith:', 'a@b:', 'u%zz:'),
    password: passwords,
    host: fc.constantFrom(
      'host',
      'host:99999',
      'host:port',
      '[::1',
      '',
      'host/path',
      'host?x=1',
      'ho st',
      'host#f',
      '@h',
    ),
  })
  .map(({ scheme, user, password, host }) => `${scheme}${user}${password}@${host}`);

describe('a password in the address of a broker', () => {
  it('is told nobody, however wrong the address is', () => {
    fc.assert(
      fc.property(addresses, (address) => {
        expect(told(() => parseEndpoint(address))).not.toContain(SECRET);
        const options = ['--broker', address, '--broker-port', '1883'];
        const command = runCommand().exitOverride();
        command.action(() => {});
        expect(told(() => runOptionsOf(command.parse(options, { from: 'user' })))).not.toContain(SECRET);
      }),
      { numRuns: 500 },
    );
  });

  it('is told nobody where the configuration holds it in another form, or in a line that is none', () => {
    const file = path.join(folder, 'spikescope.yaml');
    const forms: readonly ((address: string) => string)[] = [
      (address) => `broker: [${JSON.stringify(address)}]`,
      (address) => `broker: { url: ${JSON.stringify(address)} }`,
      (address) => `broker: [${address}`,
      (address) => `broker: *${address}`,
      (address) => `broker: !${address} x`,
      (address) => `brokers: ${address}`,
      (address) => `${JSON.stringify(address)}: broker`,
      (address) => `broker:${address}: x`,
      (address) => `source: phantom\nbroker:${address}`,
      (address) => `ca: [${JSON.stringify(address)}]`,
      (address) => address,
    ];
    fc.assert(
      fc.property(addresses, fc.constantFrom(...forms), (address, form) => {
        writeFileSync(file, form(address));
        expect(told(() => readConfiguration(file))).not.toContain(SECRET);
      }),
      { numRuns: 500, examples: [[`//u:${SECRET} @host`, (address) => `ca: [${JSON.stringify(address)}]`]] },
    );
  });

  it('is no part of an address for people, nor of what a library says of a connection', () => {
    const endpoint = parseEndpoint(`wss://u:${SECRET}@h/mqtt?token=${SECRET}`);
    expect(addressOf(endpoint)).toBe('wss://h:443');
    const cause = new Error(`Invalid URL: wss://h:443/mqtt?token=${SECRET}`);
    expect(connectionFault(cause, addressOf(endpoint)).describe()).not.toContain(SECRET);
  });
});
