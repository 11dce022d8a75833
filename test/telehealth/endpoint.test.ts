import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { addressOf, parseEndpoint } from '../../src/telehealth/endpoint.ts';

let folder: string;
let pem: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'endpoint-'));
  pem = path.join(folder, 'file.pem');
  writeFileSync(pem, 'no certificate');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('the address of a broker', () => {
  it.each([
    ['mqtt://localhost', { protocol: 'mqtt', host: 'localhost', port: 1883 }],
    ['mqtt://10.0.0.7:18830/', { protocol: 'mqtt', host: '10.0.0.7', port: 18830 }],
    ['mqtts://clinic.example', { protocol: 'mqtts', host: 'clinic.example', port: 8883 }],
    ['mqtt://[::1]:1884', { protocol: 'mqtt', host: '::1', port: 1884 }],
    ['ws://localhost', { protocol: 'ws', host: 'localhost', port: 80, path: '/mqtt' }],
    ['wss://h:8443/a/b?c=d', { protocol: 'wss', host: 'h', port: 8443, path: '/a/b?c=d' }],
    ['mqtts://dr%40x:p%3Aq@h', { protocol: 'mqtts', host: 'h', username: 'dr@x', password: 'p:q' }],
    ['mqtt://a%zz:50%@h', { username: 'a%zz', password: '50%' }],
  ])('%s', (text, expected) => {
    expect(parseEndpoint(text)).toMatchObject(expected);
  });

  it.each([
    'localhost',
    'http://localhost',
    'wss://',
    'mqtt://',
    'mqtt://host:99999',
    'mqtt://host/path',
    'mqtts://host?rejectUnauthorized=false',
    'mqtts://host#insecure',
    'Embedded',
    '',
  ])('is not %j', (text) => {
    expect(() => parseEndpoint(text)).toThrow(expect.objectContaining({ code: 'BROKER_URL', exitCode: 2 }));
  });

  it('is shown without the credentials in it, also when it is refused', () => {
    expect(addressOf(parseEndpoint('mqtt://user:secret@[::1]:1884'))).toBe('mqtt://[::1]:1884');
    expect(() => parseEndpoint('mqtt://user:secret@host/path')).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ received: 'mqtt://host/path' }) }),
    );
  });

  it('takes certificates for mqtts alone, a certificate with its key, and files that are there', () => {
    for (const [url, files] of [
      ['mqtt://h', { ca: pem }],
      ['mqtts://h', { cert: pem }],
      ['mqtts://h', { key: pem }],
      ['mqtts://h', { ca: pem }],
      ['mqtts://h', { cert: pem, key: pem }],
      ['mqtts://h', { ca: path.join(folder, 'missing.pem') }],
    ] as const) {
      expect(() => parseEndpoint(url, files)).toThrow(expect.objectContaining({ code: 'BROKER_TLS' }));
    }
  });
});
