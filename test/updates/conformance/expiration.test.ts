/** The scenarios of the public TUF conformance suite, `test_expiration.py`, under the names of its functions. */
import { expect, it } from 'vitest';
import { endDevicesAfterEach, scenario } from '../../support/updates/scenario.ts';
import { daysFromNow, NOW, open } from '../../support/updates/simulator.ts';

endDevicesAfterEach();
const DAY = 86_400_000;
const FIRST = { root: 1, timestamp: 1, snapshot: 1, targets: 1 };

it('test_root_expired', async () => {
  const { repository, device } = scenario();
  expect(await device.refresh(repository)).toBe('trusted');
  repository.publish(['root']);
  expect(await device.refresh(repository)).toBe('trusted');
  open(repository.root).expires = daysFromNow(-1);
  repository.publish(['root', 'targets', 'snapshot', 'timestamp']);
  expect(await device.refresh(repository)).toBe('TRUST_EXPIRED');
  expect(await device.versions()).toEqual({ ...FIRST, root: 3 });
});

it.each([
  ['test_timestamp_expired', 'timestamp', ['timestamp'], {}],
  ['test_snapshot_expired', 'snapshot', ['snapshot', 'timestamp'], { timestamp: 2 }],
  ['test_targets_expired', 'targets', ['targets', 'snapshot', 'timestamp'], { timestamp: 2, snapshot: 2 }],
])('%s', async (_, role, published, accepted) => {
  const { repository, device } = scenario();
  expect(await device.refresh(repository)).toBe('trusted');
  open(repository.of(role)).expires = daysFromNow(-5);
  repository.publish(published);
  expect(await device.refresh(repository)).toBe('TRUST_EXPIRED');
  expect(await device.versions()).toEqual({ ...FIRST, ...accepted });
});

it('test_expired_local_root', async () => {
  const { repository, device } = scenario();
  open(repository.root).expires = daysFromNow(7);
  repository.publish(['root']);
  expect(await device.refresh(repository)).toBe('trusted');
  open(repository.root).expires = daysFromNow(21);
  repository.publish(['root']);
  device.now = NOW + 18 * DAY;
  expect(await device.refresh(repository)).toBe('trusted');
  expect(await device.versions()).toMatchObject({ root: 3 });
});

it('test_expired_local_timestamp', async () => {
  const { repository, device } = scenario();
  open(repository.timestamp).expires = daysFromNow(7);
  repository.publish(['timestamp']);
  expect(await device.refresh(repository)).toBe('trusted');
  open(repository.timestamp).expires = daysFromNow(21);
  repository.publish(['targets', 'snapshot', 'timestamp']);
  device.now = NOW + 18 * DAY;
  expect(await device.refresh(repository)).toBe('trusted');
  expect(await device.versions()).toEqual({ root: 1, timestamp: 3, snapshot: 2, targets: 2 });
});
