/** The scenarios of the public TUF conformance suite, `test_updater_key_rotations.py`, under the names of its functions. */
import { expect, it } from 'vitest';
import { deviceOf, endDevicesAfterEach, scenario } from '../../support/updates/scenario.ts';
import { newSigner, type Simulator } from '../../support/updates/simulator.ts';

endDevicesAfterEach();

/** Keys of a version and those that have signed it, by number. */
interface Version {
  readonly keys: readonly number[];
  readonly threshold: number;
  readonly sigs: readonly number[];
  readonly refused?: boolean;
}
const v = (keys: number[], threshold: number, sigs: number[], refused = false): Version => ({
  keys,
  threshold,
  sigs,
  refused,
});
const FIVE = [0, 1, 2, 3, 4];

const ROOTS: Readonly<Record<string, readonly Version[]>> = {
  '1-of-1-key-rotation': [v([1], 1, [1]), v([2], 1, [2, 1]), v([2], 1, [2])],
  '1-of-1-key-rotation-unused-signatures': [
    v([1], 1, [3, 1, 4]),
    v([2], 1, [3, 2, 1, 4]),
    v([2], 1, [3, 2, 4]),
  ],
  '3-of-5-sign-with-different-keycombos': [
    [0, 2, 4],
    [0, 4, 1],
    [0, 1, 3],
    [0, 1, 3],
  ].map((sigs) => v(FIVE, 3, sigs)),
  '3-of-5-one-key-rotated': [v(FIVE, 3, [0, 2, 4]), v([0, 1, 3, 4, 5], 3, [0, 4, 1])],
  '3-of-5-one-key-rotated-with-intermediate-step': [
    v(FIVE, 3, [0, 2, 4]),
    v([0, 1, 3, 4, 5], 3, [0, 2, 4, 5]),
    v([0, 1, 3, 4, 5], 3, [0, 4, 5]),
  ],
  '3-of-5-all-keys-rotated-with-intermediate-step': [
    v(FIVE, 3, [0, 2, 4]),
    v([5, 6, 7, 8, 9], 3, [0, 2, 4, 5, 6, 7]),
    v([5, 6, 7, 8, 9], 3, [5, 6, 7]),
  ],
  '1-of-3-threshold-increase-to-2-of-3': [v([1, 2, 3], 1, [1]), v([1, 2, 3], 2, [1, 2])],
  '2-of-3-threshold-decrease-to-1-of-3': [
    v([1, 2, 3], 2, [1, 2]),
    v([1, 2, 3], 1, [1, 2]),
    v([1, 2, 3], 1, [1]),
  ],
  '1-of-2-threshold-increase-to-2-of-2': [v([1], 1, [1]), v([1, 2], 2, [1, 2])],
  '1-of-1-key-rotation-fail-not-signed-with-old-key': [v([1], 1, [1]), v([2], 1, [2, 3, 4], true)],
  '1-of-1-key-rotation-fail-not-signed-with-new-key': [v([1], 1, [1]), v([2], 1, [1, 3, 4], true)],
  '3-of-5-one-key-rotate-fails-not-signed-with-3-new-keys': [
    v(FIVE, 3, [0, 2, 4]),
    v([0, 1, 3, 4, 5], 3, [0, 2, 4], true),
  ],
  '3-of-5-one-key-rotate-fails-not-signed-with-3-old-keys': [
    v(FIVE, 3, [0, 2, 4]),
    v([0, 1, 3, 4, 5], 3, [0, 4, 5], true),
  ],
  '1-of-3-threshold-bump-to-2-of-3-fails-new-threshold-not-reached': [
    v([1, 2, 3], 1, [1]),
    v([1, 2, 3], 2, [2], true),
  ],
  '2-of-3-threshold-decr-to-1-of-3-fails-old-threshold-not-eached': [
    v([1, 2, 3], 2, [1, 2]),
    v([1, 2, 3], 1, [1], true),
  ],
};

const OTHERS: Readonly<Record<string, Version>> = {
  '1-of-1-key-rotation': v([2], 1, [2]),
  '1-of-1-key-rotation-unused-signatures': v([1], 1, [3, 1, 4]),
  '1-of-1-key-rotation-fail-not-signed-with-new-key': v([2], 1, [1, 3, 4], true),
  '3-of-5-one-key-signature-wrong-not-signed-with-3-expected-keys': v([0, 1, 3, 4, 5], 3, [0, 2, 4], true),
  '2-of-5-one-key-signature-mising-threshold-not-reached': v([0, 1, 3, 4, 5], 3, [0, 4], true),
  '3-of-5-sign-first-combo': v(FIVE, 3, [0, 2, 4]),
  '3-of-5-sign-second-combo': v(FIVE, 3, [0, 4, 1]),
  '3-of-5-sign-third-combo': v(FIVE, 3, [0, 1, 3]),
  '3-of-5-sign-fourth-combo': v(FIVE, 3, [1, 2, 3]),
  '3-of-5-sign-fifth-combo': v(FIVE, 3, [2, 3, 4]),
};

function setKeys(
  repository: Simulator,
  role: string,
  signers: readonly ReturnType<typeof newSigner>[],
  { keys, threshold, sigs }: Version,
) {
  repository.root.roles[role].keyIDs.length = 0;
  repository.signers.get(role)?.clear();
  repository.setThreshold(role, threshold);
  for (const key of keys) repository.root.addKey(signers[key].key, role);
  for (const signature of sigs) repository.addSigner(role, signers[signature]);
}

it.each(Object.entries(ROOTS))('test_root_rotation: %s', async (_, versions) => {
  const { repository } = scenario();
  const signers = Array.from({ length: 10 }, newSigner);
  repository.signed.delete('root');
  for (const version of versions) {
    setKeys(repository, 'root', signers, version);
    repository.publish(['root']);
  }
  repository.publish(['targets', 'snapshot', 'timestamp']);
  const device = deviceOf(repository);
  const isRefused = versions.at(-1)?.refused === true;
  expect(await device.refresh(repository)).toBe(isRefused ? 'TRUST_SIGNATURE' : 'trusted');
  // Where nothing but the root of the beginning is trusted, nothing is kept beside it.
  const kept = (await device.kept()).get('root') ?? repository.bytes('root', 0);
  expect(kept).toEqual(repository.bytes('root', isRefused ? -2 : -1));
});

it.each(Object.entries(OTHERS))('test_non_root_rotations: %s', async (_, version) => {
  const { repository, device } = scenario();
  const signers = Array.from({ length: 10 }, newSigner);
  for (const role of ['timestamp', 'snapshot', 'targets']) {
    setKeys(repository, role, signers, version);
    repository.publish(['root', 'targets', 'snapshot', 'timestamp']);
    expect(await device.refresh(repository)).toBe(version.refused ? 'TRUST_SIGNATURE' : 'trusted');
    if (!version.refused) expect((await device.kept()).get(role)).toEqual(repository.bytes(role));
  }
});
