/** The scenarios of the public TUF conformance suite, `test_keys.py`, under the names of its functions. */
import { constants, createHash, generateKeyPairSync, sign } from 'node:crypto';
import { Key, Signature } from '@tufjs/models';
import { expect, it } from 'vitest';
import type { Signer } from '../../../src/release/signer.ts';
import { endDevicesAfterEach, scenario } from '../../support/updates/scenario.ts';
import { newSigner } from '../../support/updates/simulator.ts';

endDevicesAfterEach();
const ROLES = ['root', 'targets', 'snapshot', 'timestamp'];

it('test_snapshot_does_not_meet_threshold', async () => {
  const { repository, device } = scenario();
  repository.setThreshold('snapshot', 3);
  for (let i = 0; i < 2; i++) repository.addKey('snapshot');
  repository.publish(ROLES);
  expect(await device.refresh(repository)).toBe('trusted');
  repository.dropSigner('snapshot');
  repository.publish(['targets', 'snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('TRUST_SIGNATURE');
  expect(await device.versions()).toMatchObject({ snapshot: 2 });
});

it('test_snapshot_has_too_few_keys', async () => {
  const { repository, device } = scenario();
  for (let i = 0; i < 4; i++) repository.addKey('snapshot');
  repository.setThreshold('snapshot', 6);
  repository.publish(['root', 'snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('TRUST_SIGNATURE');
  const versions = await device.versions();
  expect(versions).toMatchObject({ root: 2 });
  expect(versions).not.toHaveProperty('snapshot');
});

it('test_duplicate_keys', async () => {
  const { repository, device } = scenario();
  const signer = repository.addKey('snapshot', newSigner());
  for (let i = 0; i < 8; i++) repository.root.roles.snapshot.keyIDs.push(signer.key.keyID);
  repository.setThreshold('snapshot', 6);
  repository.publish(['root', 'snapshot', 'timestamp']);
  repository.edit('snapshot', ({ signatures }) => {
    for (let i = 0; i < 8; i++) signatures.push(signatures[0]);
  });
  expect(await device.refresh(repository)).toMatch(/^TRUST_(MALFORMED|SIGNATURE)$/);
  expect(await device.versions()).not.toHaveProperty('snapshot');
});

it('test_duplicate_sig_keyids', async () => {
  const { repository, device } = scenario();
  repository.edit('snapshot', ({ signatures }) => signatures.push(signatures[0]));
  expect(await device.refresh(repository)).toBe('TRUST_MALFORMED');
  expect(await device.versions()).not.toHaveProperty('snapshot');
});

/** Keys of the kinds that the specification names; this project's own tools make ed25519 alone. */
const KINDS: Readonly<Record<string, () => Signer>> = {
  'rsa/rsassa-pss-sha256': () => {
    const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const options = { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 };
    return pemSigner(
      'rsa',
      'rsassa-pss-sha256',
      publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      (bytes) => sign('sha256', bytes, options),
    );
  },
  'ecdsa/ecdsa-sha2-nistp256': () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
    return pemSigner('ecdsa', 'ecdsa-sha2-nistp256', pem, (bytes) => sign('sha256', bytes, privateKey));
  },
  'ed25519/ed25519': newSigner,
};

function pemSigner(
  keyType: string,
  scheme: string,
  pem: string,
  signing: (bytes: Uint8Array) => Buffer,
): Signer {
  const keyID = createHash('sha256').update(pem).digest('hex');
  const key = new Key({ keyID, keyType, scheme, keyVal: { public: pem } });
  return { key, sign: (bytes) => new Signature({ keyID, sig: signing(bytes).toString('hex') }) };
}

it.each(Object.entries(KINDS))('test_keytype_and_scheme: %s', async (_, make) => {
  const { repository, device } = scenario();
  const signer = make();
  repository.addKey('root', signer);
  repository.setThreshold('root', 2);
  repository.publish(['root']);
  expect(await device.refresh(repository)).toBe('trusted');
  expect(await device.versions()).toMatchObject({ root: 2 });
  repository.publish(['root']);
  repository.edit('root', ({ signatures }) => {
    const own = signatures.find(({ keyid }) => keyid === signer.key.keyID);
    if (own === undefined) throw new Error('it did not sign');
    own.sig = (own.sig[0] === '0' ? '1' : '0') + own.sig.slice(1);
  });
  expect(await device.refresh(repository)).toBe('TRUST_SIGNATURE');
  expect(await device.versions()).toMatchObject({ root: 2 });
});

it('test_invalid_sig_in_valid_metadata', async () => {
  const { repository, device } = scenario();
  const [first] = repository.signers.get('timestamp')?.keys() ?? [];
  repository.addKey('timestamp');
  for (const [roles, wrong] of [
    [['root', 'timestamp'], 'ab'.repeat(64)],
    [['timestamp'], ''],
  ] as const) {
    repository.publish(roles);
    repository.edit('timestamp', ({ signatures }) => {
      for (const signature of signatures) if (signature.keyid === first) signature.sig = wrong;
    });
    expect(await device.refresh(repository)).toBe('trusted');
  }
});
