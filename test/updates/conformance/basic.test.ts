/** The scenarios of the public TUF conformance suite, `test_basic.py`, under the names of its functions. */
import { createHash } from 'node:crypto';
import { MetaFile } from '@tufjs/models';
import { describe, expect, it } from 'vitest';
import { deviceOf, endDevicesAfterEach, scenario } from '../../support/updates/scenario.ts';
import { daysFromNow, NOW, newSigner, open } from '../../support/updates/simulator.ts';

endDevicesAfterEach();
const ROLES = ['root', 'targets', 'snapshot', 'timestamp'];
const FIRST = ['2.root.json', 'timestamp.json', '1.snapshot.json', '1.targets.json'];

describe('test_basic', () => {
  it('test_basic_refresh_requests', async () => {
    const { repository, device } = scenario();
    expect(await device.refresh(repository)).toBe('trusted');
    expect(repository.requests).toEqual(FIRST);
  });

  it('test_basic_refresh_trusted_data', async () => {
    const { repository, device } = scenario();
    expect(await device.refresh(repository)).toBe('trusted');
    const kept = await device.kept();
    for (const role of ROLES) expect(kept.get(role)).toEqual(repository.bytes(role));
  });

  it('test_implicit_refresh', async () => {
    const { repository, device } = scenario();
    expect(await device.download(repository, 'nonexistent')).toBe('TARGET_UNKNOWN');
    expect(repository.requests).toEqual(FIRST);
    expect(await device.versions()).toEqual({ root: 1, targets: 1, snapshot: 1, timestamp: 1 });
  });

  it('test_invalid_initial_root', async () => {
    const { repository } = scenario();
    repository.edit('root', ({ signed }) => delete signed.version);
    expect(await deviceOf(repository).refresh(repository)).toBe('TRUST_MALFORMED');
    expect(repository.requests).toEqual([]);
  });

  it('test_unsigned_initial_root', async () => {
    const { repository } = scenario();
    repository.edit('root', ({ signatures }) => {
      signatures[0].sig = '00'.repeat(64);
    });
    expect(await deviceOf(repository).refresh(repository)).toBe('TRUST_SIGNATURE');
    expect(repository.requests).toEqual([]);
  });

  it.each([
    ['root', { root: 1 }],
    ['timestamp', { root: 2 }],
    ['snapshot', { root: 2, timestamp: 2 }],
    ['targets', { root: 2, timestamp: 2, snapshot: 2 }],
  ])('test_unsigned_metadata: %s', async (role, trusted) => {
    const { repository, device } = scenario();
    repository.dropSigner(role);
    repository.publish(ROLES);
    expect(await device.refresh(repository)).toBe('TRUST_SIGNATURE');
    // The root that the device was set up with counts as well.
    expect({ root: 1, ...(await device.versions()) }).toEqual(trusted);
  });

  it.each([
    ['root', { root: 1 }],
    ['snapshot', { root: 2, timestamp: 2 }],
    ['targets', { root: 2, timestamp: 2, snapshot: 2 }],
  ])('test_url_and_metadata_version_mismatch: %s', async (role, trusted) => {
    const { repository, device } = scenario();
    open(repository.of(role)).version += 1;
    repository.publish(ROLES);
    // The address says 2, the document 3; what names it says 3 as well, and that address is not there.
    if (role !== 'root') repository.signed.get(role)?.splice(0, 1);
    repository.signed.get(role)?.push(...(role === 'root' ? [] : [repository.bytes(role)]));
    repository.tamper = (name, bytes) => (name.endsWith(`3.${role}.json`) ? null : bytes);
    expect(await device.refresh(repository)).toMatch(/TRUST_(MISMATCH|MISSING)/);
    expect({ root: 1, ...(await device.versions()) }).toEqual(trusted);
  });

  it('test_timestamp_content_changes', async () => {
    const { repository, device } = scenario();
    expect(await device.refresh(repository)).toBe('trusted');
    const before = await device.kept();
    open(repository.timestamp).snapshotMeta = new MetaFile({ version: 100 });
    repository.signed.delete('timestamp');
    repository.publish(['timestamp']);
    expect(await device.refresh(repository)).toBe('trusted');
    expect(repository.requests.at(-1)).toBe('timestamp.json');
    expect(await device.kept()).toEqual(before);
  });

  it('test_basic_metadata_hash_support', async () => {
    const { repository, device } = scenario();
    repository.hashes = true;
    repository.publish(['targets', 'snapshot', 'timestamp']);
    expect(await device.refresh(repository)).toBe('trusted');
    expect(await device.versions()).toMatchObject({ targets: 2, snapshot: 2, timestamp: 2 });
  });

  it.each([
    ['test_targets_hash_mismatch', 'targets', 'snapshot'],
    ['test_snapshot_hash_mismatch', 'snapshot', 'timestamp'],
  ])('%s', async (_, role, namedBy) => {
    const { repository, device } = scenario();
    repository.hashes = true;
    repository.publish(['targets', 'snapshot', 'timestamp']);
    expect(await device.refresh(repository)).toBe('trusted');
    repository.publish([role]);
    const wrong = new MetaFile({ version: 3, hashes: { sha256: '0'.repeat(64) } });
    if (role === 'targets') repository.snapshot.meta['targets.json'] = wrong;
    else open(repository.timestamp).snapshotMeta = wrong;
    repository.publish(namedBy === 'snapshot' ? ['snapshot', 'timestamp'] : ['timestamp']);
    expect(await device.refresh(repository)).toBe('TRUST_MISMATCH');
    const versions = await device.versions();
    expect(versions[namedBy]).toBe(3);
    expect(versions[role]).toBe(2);
  });

  it('test_metadata_bytes_match', async () => {
    const { repository, device } = scenario();
    const unusual = Buffer.concat([repository.bytes('timestamp'), Buffer.from(' ')]);
    repository.signed.set('timestamp', [unusual]);
    expect(await device.refresh(repository)).toBe('trusted');
    expect((await device.kept()).get('timestamp')).toEqual(unusual);
  });

  it('test_custom_fields', async () => {
    const { repository, device } = scenario();
    expect(await device.refresh(repository)).toBe('trusted');
    const signer = newSigner();
    open(signer.key).unrecognizedFields = { 'extra-field': { a: 1, b: 2 } };
    open(repository.root).unrecognizedFields = { 'custom-field': 'value' };
    repository.addKey('root', signer);
    open(repository.root.roles.root).unrecognizedFields = { 'another-field': 'value' };
    repository.publish(['root']);
    expect(await device.refresh(repository)).toBe('trusted');
    expect(await device.versions()).toMatchObject({ root: 2 });
  });

  it('test_deprecated_keyid_hash_algorithms', async () => {
    const { repository, device } = scenario();
    expect(await device.refresh(repository)).toBe('trusted');
    repository.root.roles.snapshot.keyIDs.length = 0;
    repository.signers.get('snapshot')?.clear();
    const signer = newSigner();
    open(signer.key).unrecognizedFields = { keyid_hash_algorithms: 'md5' };
    repository.addKey('snapshot', signer);
    repository.publish(['root', 'snapshot', 'timestamp']);
    expect(await device.refresh(repository)).toBe('trusted');
    expect(await device.versions()).toMatchObject({ root: 2, snapshot: 2 });
  });

  it('test_snapshot_404', async () => {
    const { repository, device } = scenario();
    expect(await device.refresh(repository)).toBe('trusted');
    open(repository.timestamp).snapshotMeta = new MetaFile({ version: 2 });
    repository.publish(['timestamp']);
    expect(await device.refresh(repository)).toBe('TRUST_MISSING');
    expect(repository.requests.at(-1)).toBe('2.snapshot.json');
    expect(await device.versions()).toEqual({ root: 1, snapshot: 1, targets: 1, timestamp: 2 });
  });

  it('test_targets_404', async () => {
    const { repository, device } = scenario();
    expect(await device.refresh(repository)).toBe('trusted');
    repository.snapshot.meta['targets.json'] = new MetaFile({ version: 2 });
    repository.publish(['snapshot', 'timestamp']);
    expect(await device.refresh(repository)).toBe('TRUST_MISSING');
    expect(repository.requests.at(-1)).toBe('2.targets.json');
    expect(await device.versions()).toEqual({ root: 1, snapshot: 2, targets: 1, timestamp: 2 });
  });

  it('test_timestamp_404', async () => {
    const { repository, device } = scenario();
    expect(await device.refresh(repository)).toBe('trusted');
    repository.signed.delete('timestamp');
    expect(await device.refresh(repository)).toBe('TRUST_MISSING');
    expect(repository.requests.at(-1)).toBe('timestamp.json');
  });

  it('test_incorrect_metadata_type', async () => {
    const { repository, device } = scenario();
    const [signer] = repository.signers.get('timestamp')?.values() ?? [];
    repository.addKey('snapshot', signer);
    open(repository.snapshot).meta = { 'snapshot.json': new MetaFile({ version: 1 }) };
    repository.publish(['root', 'snapshot']);
    repository.signed.get('timestamp')?.push(repository.bytes('snapshot'));
    expect(await device.refresh(repository)).toBe('TRUST_MALFORMED');
    expect(await device.versions()).toEqual({ root: 2 });
  });

  it('test_faketime', async () => {
    const { repository, device } = scenario();
    open(repository.root).expires = daysFromNow(7);
    repository.publish(['root']);
    expect(await device.refresh(repository)).toBe('trusted');
    device.now = NOW + 8 * 86_400_000;
    // The root is over, and nobody has signed anything since.
    expect(await device.refresh(repository)).toBe('TRUST_FROZEN');
  });
});

describe('the simulator (test_repository_simulator)', () => {
  it('test_repo_initialzation_unittest', () => {
    const { repository } = scenario();
    for (const role of ROLES) {
      expect(JSON.parse(Buffer.from(repository.bytes(role)).toString()).signed.version).toBe(1);
    }
  });

  it('test_basic_metadata_hash_support_unittest', () => {
    const { repository } = scenario();
    repository.hashes = true;
    repository.publish(['targets', 'snapshot', 'timestamp']);
    const { length, hashes } = repository.timestamp.snapshotMeta;
    const bytes = repository.bytes('snapshot');
    expect(length).toBe(bytes.length);
    expect(hashes).toEqual({ sha256: createHash('sha256').update(bytes).digest('hex') });
  });

  it('test_update_timestamp', () => {
    const { repository } = scenario();
    open(repository.timestamp).expires = daysFromNow(-5);
    repository.publish(['timestamp']);
    const { signed } = JSON.parse(Buffer.from(repository.bytes('timestamp')).toString());
    expect(signed.expires).toBe(daysFromNow(-5));
  });
});
