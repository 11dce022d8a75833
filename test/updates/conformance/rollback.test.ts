/** The scenarios of the public TUF conformance suite, `test_rollback.py`, under the names of its functions. */
import { expect, it } from 'vitest';
import { endDevicesAfterEach, scenario } from '../../support/updates/scenario.ts';
import { open, type Simulator } from '../../support/updates/simulator.ts';

endDevicesAfterEach();

/** Begins the versions of a role again at 1. */
function restart(repository: Simulator, role: string): void {
  repository.signed.delete(role);
  open(repository.of(role)).version = 1;
}

it('test_new_timestamp_version_rollback', async () => {
  const { repository, device } = scenario();
  repository.publish(['timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  restart(repository, 'timestamp');
  repository.publish(['timestamp']);
  expect(await device.refresh(repository)).toBe('TRUST_ROLLBACK');
  expect(await device.versions()).toMatchObject({ timestamp: 2 });
  expect(repository.requests.at(-1)).toBe('timestamp.json');
});

it.each([false, true])('test_snapshot_rollback, with hashes: %s', async (hashes) => {
  const { repository, device } = scenario();
  repository.hashes = hashes;
  repository.publish(['snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  restart(repository, 'snapshot');
  repository.publish(['snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('TRUST_ROLLBACK');
  expect(await device.versions()).toMatchObject({ timestamp: 2, snapshot: 2 });
  expect(repository.requests.at(-1)).toBe('timestamp.json');
});

it('test_targets_role_removal', async () => {
  const { repository, device } = scenario();
  repository.delegate('targets', { name: 'delegated', paths: ['delegatedpath/*'] });
  repository.publish(['delegated', 'targets', 'snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  delete repository.snapshot.meta['delegated.json'];
  repository.publish(['snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('TRUST_ROLLBACK');
  expect(await device.versions()).toMatchObject({ snapshot: 2 });
});

it('test_targets_fast_forward_recovery', async () => {
  const { repository, device } = scenario();
  repository.delegate('targets', { name: 'delegated', paths: ['delegatedpath/*'] });
  repository.publish(['delegated']);
  for (let i = 0; i < 99; i++) repository.publish(['targets']);
  repository.publish(['snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  expect(await device.versions()).toMatchObject({ targets: 100 });
  repository.rotateKeys('snapshot');
  restart(repository, 'targets');
  delete repository.snapshot.meta['delegated.json'];
  repository.publish(['root', 'targets', 'snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  expect(await device.versions()).toMatchObject({ targets: 1 });
});

it('test_new_snapshot_fast_forward_recovery', async () => {
  const { repository, device } = scenario();
  for (let i = 0; i < 99; i++) repository.publish(['snapshot']);
  repository.publish(['timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  expect(await device.versions()).toMatchObject({ snapshot: 100 });
  repository.rotateKeys('snapshot');
  repository.rotateKeys('timestamp');
  restart(repository, 'snapshot');
  repository.publish(['root', 'targets', 'snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  expect(await device.versions()).toMatchObject({ snapshot: 1 });
});

it('test_new_timestamp_fast_forward_recovery', async () => {
  const { repository, device } = scenario();
  for (let i = 0; i < 99; i++) repository.publish(['timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  expect(await device.versions()).toMatchObject({ timestamp: 100 });
  repository.rotateKeys('timestamp');
  restart(repository, 'timestamp');
  repository.publish(['root', 'timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  expect(await device.versions()).toMatchObject({ timestamp: 1 });
});

it.each([false, true])('test_targets_rollback, with hashes: %s', async (hashes) => {
  const { repository, device } = scenario();
  repository.hashes = hashes;
  repository.publish(['targets', 'snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  restart(repository, 'targets');
  repository.publish(['targets', 'snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('TRUST_ROLLBACK');
  expect(await device.versions()).toMatchObject({ snapshot: 2, targets: 2 });
});
