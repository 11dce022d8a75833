import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { displayHosts, networkHosts, type Realm, refusalOf } from '../../../src/ui/web/server/http/gate.ts';

const REALM: Realm = { kind: 'display', scheme: 'http', hosts: displayHosts(8646) };
const HOST = '127.0.0.1:8646';
const JSON_TYPE = { 'content-type': 'application/json' };

const codeOf = (method: string, headers: Record<string, string>) =>
  refusalOf({ method, headers }, REALM)?.code ?? null;

describe('a request', () => {
  it.each(['127.0.0.1:8646', 'localhost:8646', '[::1]:8646', 'LOCALHOST:8646'])('may name %s', (host) => {
    expect(codeOf('GET', { host })).toBeNull();
  });

  it('may name the device in no other way, as a page does that has bound its own name to it', () => {
    fc.assert(
      fc.property(fc.domain(), (host) => {
        expect(codeOf('GET', { host: `${host}:8646` })).toBe('SCREEN_HOST');
      }),
    );
    expect(
      ['127.0.0.1', '127.0.0.1:80', '127.0.0.1:8646.evil.example', ''].map((host) => codeOf('GET', { host })),
    ).toEqual(Array.from({ length: 4 }, () => 'SCREEN_HOST'));
    expect(codeOf('GET', {})).toBe('SCREEN_HOST');
  });

  it('comes from its own page alone', () => {
    const own = { host: HOST, origin: `http://${HOST}`, ...JSON_TYPE };
    expect(codeOf('POST', own)).toBeNull();
    for (const origin of [
      'null',
      'http://evil.example',
      'http://127.0.0.1:9999',
      `https://${HOST}`,
      'http://localhost:8646',
    ]) {
      expect(codeOf('POST', { ...own, origin })).toBe('SCREEN_ORIGIN');
      expect(codeOf('GET', { host: HOST, origin })).toBe('SCREEN_ORIGIN');
    }
    expect(codeOf('POST', { host: HOST, ...JSON_TYPE })).toBe('SCREEN_ORIGIN');
    for (const site of ['cross-site', 'same-site']) {
      expect(codeOf('GET', { host: HOST, 'sec-fetch-site': site })).toBe('SCREEN_ORIGIN');
    }
  });

  it.each([
    'text/plain',
    'application/x-www-form-urlencoded',
    'multipart/form-data',
    'application/jsonp',
    '',
  ])('that a form could send as %j is none', (type) => {
    const own = { host: HOST, origin: `http://${HOST}` };
    expect(codeOf('POST', type === '' ? own : { ...own, 'content-type': type })).toBe('SCREEN_CONTENT_TYPE');
  });

  it.each(['PUT', 'DELETE', 'OPTIONS', 'TRACE', 'HEAD', 'CONNECT'])('of method %s is none', (method) => {
    expect(codeOf(method, { host: HOST })).toBe('SCREEN_METHOD');
  });

  it('of the network names what the configuration names', () => {
    const hosts = networkHosts(['Scope.Clinic.example'], 443);
    expect([...hosts]).toEqual(['scope.clinic.example:443', 'scope.clinic.example']);
    expect([...networkHosts(['a'], 8443)]).toEqual(['a:8443']);
  });
});
