/** Keys in a token: SoftHSM2 from Debian, whose keys OpenSC makes; pkcs11js is installed by whoever has a token. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { Metadata, Root } from '@tufjs/models';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { provisionCommand } from '../../src/cli/provision/provision.ts';
import {
  isTokenReference,
  parseTokenReference,
  publicKeyInToken,
  tokenSigner,
} from '../../src/release/token.ts';
import { runCommand } from '../support/run-command.ts';

const LIBRARY = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so',
  '/usr/lib/aarch64-linux-gnu/softhsm/libsofthsm2.so',
].find(existsSync);
const isThere = (program: string) => spawnSync(program, ['--help']).error === undefined;
const PIN = '5678';

const named = (object: string, token = 'office') =>
  `pkcs11:token=${token};object=${object}?module-path=${LIBRARY}`;

describe('a reference to a key in a token', () => {
  it('names token, key and library, whatever characters are in them', () => {
    const uri = 'pkcs11:object=key%20of%20a%3Bb;token=north;type=private?module-path=/usr/lib/some.so';
    expect(parseTokenReference(uri)).toMatchObject({
      token: 'north',
      object: 'key of a;b',
      modulePath: '/usr/lib/some.so',
    });
    expect(isTokenReference(uri)).toBe(true);
    expect(isTokenReference('pkcs11.json')).toBe(false);
  });

  it.each([
    'pkcs11:',
    'pkcs11:token=a?module-path=/b',
    'pkcs11:token=a;object=b',
    'pkcs11:token=%ZZ;object=b?module-path=/c',
  ])('is wrong usage as %s', (uri) => {
    expect(() => parseTokenReference(uri)).toThrow(
      expect.objectContaining({ code: 'TOKEN_REFERENCE', exitCode: 2 }),
    );
  });
});

/** Not among this project's own: it is compiled where it is installed. */
const PACKAGE = 'pkcs11js';
const hasPackage = await import(PACKAGE).then(
  () => true,
  () => false,
);

describe.skipIf(!hasPackage || LIBRARY === undefined || !isThere('pkcs11-tool') || !isThere('softhsm2-util'))(
  'a token',
  { timeout: 120_000 },
  () => {
    let folder: string;
    const before = { conf: process.env.SOFTHSM2_CONF, pin: process.env.SPIKESCOPE_PIN };
    beforeAll(() => {
      folder = mkdtempSync(path.join(tmpdir(), 'token-'));
      mkdirSync(path.join(folder, 'tokens'));
      const configuration = path.join(folder, 'softhsm2.conf');
      writeFileSync(
        configuration,
        `directories.tokendir = ${path.join(folder, 'tokens')}\nobjectstore.backend = file\n`,
      );
      process.env.SOFTHSM2_CONF = configuration;
      process.env.SPIKESCOPE_PIN = PIN;
      run('softhsm2-util', '--init-token', '--free', '--label', 'office', '--so-pin', '1234', '--pin', PIN);
      for (const [id, name, type] of [
        ['01', 'root', 'EC:edwards25519'],
        ['02', 'release', 'EC:edwards25519'],
        ['03', 'other', 'EC:prime256v1'],
      ]) {
        const key = ['--keypairgen', '--key-type', type, '--label', name, '--id', id];
        run(
          'pkcs11-tool',
          '--module',
          LIBRARY ?? '',
          '--token-label',
          'office',
          '--login',
          '--pin',
          PIN,
          ...key,
        );
      }
    });
    afterAll(() => {
      for (const [name, value] of [
        ['SOFTHSM2_CONF', before.conf],
        ['SPIKESCOPE_PIN', before.pin],
      ] as const) {
        if (value === undefined) delete process.env[name];
        else process.env[name] = value;
      }
      rmSync(folder, { recursive: true, force: true });
    });

    function run(program: string, ...words: string[]): void {
      const { status, stderr } = spawnSync(program, words, { encoding: 'utf8' });
      if (status !== 0) throw new Error(stderr);
    }

    it('signs what its public half verifies, however long it is', async () => {
      const reference = parseTokenReference(named('release'));
      const signer = await tokenSigner(reference, PIN);
      expect(signer.key.keyID).toBe((await publicKeyInToken(reference)).keyID);
      for (const length of [1, 1_024, 100_000]) {
        const metadata = new Metadata(
          new Root({
            version: 7,
            specVersion: '1.0.31',
            expires: '2030-01-01T00:00:00Z',
            unrecognizedFields: { padding: 'x'.repeat(length) },
          }),
        );
        metadata.sign((bytes) => signer.sign(bytes));
        expect(() => signer.key.verifySignature(metadata)).not.toThrow();
        const other = new Metadata(
          new Root({ version: 8, specVersion: '1.0.31', expires: '2030-01-01T00:00:00Z' }),
          metadata.signatures,
        );
        expect(() => signer.key.verifySignature(other)).toThrow();
      }
    });

    it.each([
      ['a wrong PIN', named('release'), '0000'],
      ['no such key', named('nobody'), PIN],
      ['no such token', named('release', 'south'), PIN],
      ['a key of another kind', named('other'), PIN],
      [
        'a library that is none',
        named('release').replace(/module-path=.*/, 'module-path=/etc/hostname'),
        PIN,
      ],
    ])('refuses %s', async (_, uri, pin) => {
      const sign = async () => (await tokenSigner(parseTokenReference(uri), pin)).sign(Buffer.from('bytes'));
      await expect(sign()).rejects.toMatchObject({ code: 'TOKEN', exitCode: 3 });
    });

    it('serves in the place of a key file, also for the root', async () => {
      const online = path.join(folder, 'online.json');
      const words = path.join(folder, 'passphrase');
      writeFileSync(words, 'a passphrase of some length\n');
      const office = path.join(folder, 'office');
      const provision = async (...args: string[]) => {
        const { exitCode, stdout, fault } = await runCommand(provisionCommand(), args);
        expect({ args, exitCode, code: fault?.code }).toEqual({ args, exitCode: 0, code: undefined });
        return stdout;
      };
      await provision('key', 'new', online, '--passphrase-file', words);
      const keys = ['--root-key', named('root'), '--release-key', named('release'), '--online-key', online];
      await provision('repository', 'init', office, ...keys, '--passphrase-file', words);
      const overlay = path.join(folder, 'overlay.yaml');
      writeFileSync(overlay, 'result-schema: 1\n');
      const release = ['--kind', 'configuration', '--name', 'overlay', '--release-version', '1.0.0'];
      await provision(
        'repository',
        'add',
        office,
        overlay,
        '--channel',
        'stable',
        ...release,
        '--key',
        named('release'),
      );
      await provision('publish', office, '--key', online, '--passphrase-file', words);
      const root = path.join(office, 'public/metadata/1.root.json');
      const data = path.join(folder, 'data');
      const verified = await provision(
        ...['verify', '--from', path.join(office, 'public'), '--root', root, '--data', data, '--json'],
      );
      expect(JSON.parse(verified)).toMatchObject({
        outcome: 'trusted',
        verified: ['stable/overlay-1.0.0.yaml'],
      });
    });
  },
);
