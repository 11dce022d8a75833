/**
 * The attacks that The Update Framework names (§1.5.2 of its specification), each against a device that has trusted a state
 * before: refused with its code, recorded, and what is on the disk stays as it was.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TestDevice } from '../support/updates/device.ts';
import { deviceOf, endDevicesAfterEach, scenario } from '../support/updates/scenario.ts';
import { daysFromNow, NOW, newSigner, open, Simulator } from '../support/updates/simulator.ts';

endDevicesAfterEach();
const DAY = 86_400_000;
const TARGETS = ['targets', 'snapshot', 'timestamp'];
const content = (text: string) => Buffer.from(text);

/** A device that has fetched a first release. */
async function settled() {
  const { repository, device } = scenario();
  repository.hashes = true;
  repository.addTarget('targets', content('weights 1'), 'model');
  repository.publish(TARGETS);
  expect(await device.download(repository, 'model')).toEqual(content('weights 1'));
  return { repository, device };
}

/** Tries, and holds the device to having changed nothing but its journal. */
async function refuses(device: TestDevice, code: string, attempt: () => Promise<unknown>): Promise<void> {
  const before = device.files();
  const count = device.events().length;
  expect(await attempt()).toBe(code);
  expect(device.files()).toEqual(before);
  const [event, ...more] = device.events().slice(count);
  expect(event).toMatchObject({ event: 'refused', code, by: 'technician', source: 'simulator' });
  expect(more).toEqual([]);
  expect(device.journal.verify()).toMatchObject({ sound: true });
}

describe('arbitrary software', () => {
  it('in place of a signed target', async () => {
    const { repository, device } = await settled();
    repository.addTarget('targets', content('weights 2'), 'other');
    repository.publish(TARGETS);
    expect(await device.refresh(repository)).toBe('trusted');
    repository.artifacts.set('other', content('weights X'));
    await refuses(device, 'TARGET_DAMAGED', () => device.download(repository, 'other'));
  });

  it('that nobody has signed', async () => {
    const { repository, device } = await settled();
    repository.artifacts.set('malware', content('malware'));
    await refuses(device, 'TARGET_UNKNOWN', () => device.download(repository, 'malware'));
  });

  it('in a repository of somebody else, from its root on', async () => {
    const { device } = await settled();
    const other = new Simulator();
    other.addTarget('targets', content('malware'), 'model');
    for (let i = 0; i < 5; i++) other.publish(['root', ...TARGETS]);
    // Its second root is not signed by the first of this device.
    await refuses(device, 'TRUST_SIGNATURE', () => device.download(other, 'model'));
  });

  it('for a device that has lost its metadata, and is shown the root of somebody else', async () => {
    const { device } = await settled();
    device.loseMetadata();
    device.root = new Simulator().bytes('root');
    await expect(device.refresh(new Simulator())).resolves.toBe('TRUST_ANCHOR');
  });
});

describe('rollback', () => {
  /** The repository as it was when it had signed less. */
  function restored(repository: Simulator): Simulator {
    const older = new Simulator();
    older.signed.clear();
    for (const [role, versions] of repository.signed) older.signed.set(role, [versions[0]]);
    return older;
  }

  it('to an earlier state, as it was signed', async () => {
    const { repository, device } = await settled();
    await refuses(device, 'TRUST_ROLLBACK', () => device.refresh(restored(repository)));
  });

  it('to an earlier state, on a device that has lost its metadata: the journal’s floors hold', async () => {
    const { repository, device } = await settled();
    device.loseMetadata();
    await refuses(device, 'TRUST_ROLLBACK', () => device.refresh(restored(repository)));
    expect(await device.refresh(repository)).toBe('trusted');
    expect(device.events().at(-1)).toMatchObject({ event: 'trusted', lost: 'it is gone' });
  });

  it('to an earlier root, on a device that has lost its metadata', async () => {
    const { repository, device } = await settled();
    const older = restored(repository);
    repository.rotateKeys('timestamp');
    repository.publish(['root', 'timestamp']);
    expect(await device.refresh(repository)).toBe('trusted');
    device.loseMetadata();
    await refuses(device, 'TRUST_ROLLBACK', () => device.refresh(older));
  });

  it('to another root of the version that it has seen', async () => {
    const { repository, device } = await settled();
    repository.publish(['root']);
    expect(await device.refresh(repository)).toBe('trusted');
    device.loseMetadata();
    // Signed by the same keys as the true second root, which the publisher never published.
    repository.signed.get('root')?.pop();
    open(repository.root).version = 2;
    open(repository.root).expires = daysFromNow(3_000);
    repository.publish(['root'], { keepsVersions: true });
    await refuses(device, 'TRUST_ANCHOR', () => device.refresh(repository));
  });

  it('of one role alone, on a device that has lost its metadata', async () => {
    const { repository, device } = await settled();
    device.loseMetadata();
    open(repository.targets).version = 0;
    repository.signed.delete('targets');
    open(repository.targets).version = 1;
    repository.publish(['targets', 'snapshot', 'timestamp']);
    expect(await device.refresh(repository)).toBe('TRUST_ROLLBACK');
    expect(device.events().at(-1)).toMatchObject({
      code: 'TRUST_ROLLBACK',
      expected: 'targets.json of version 2 or newer',
    });
  });

  it('never lowers a floor, whatever metadata is put back', async () => {
    const { repository, device } = await settled();
    const file = path.join(device.data, 'updates/metadata.json');
    const before = readFileSync(file);
    for (let i = 0; i < 3; i++) repository.publish(TARGETS);
    expect(await device.refresh(repository)).toBe('trusted');
    writeFileSync(file, before);
    const older = new Simulator();
    older.signed.clear();
    for (const [role, versions] of repository.signed) older.signed.set(role, versions.slice(0, 2));
    await refuses(device, 'TRUST_ROLLBACK', () => device.refresh(older));
    expect(await device.refresh(repository)).toBe('trusted');
    expect(await device.versions()).toMatchObject({ timestamp: 5, targets: 5 });
  });
});

describe('fast-forward', () => {
  it('by a stolen online key is over when the keys are replaced, also for what the journal remembers', async () => {
    const { repository, device } = await settled();
    open(repository.timestamp).version = 2 ** 40;
    repository.publish(['timestamp']);
    expect(await device.refresh(repository)).toBe('trusted');
    repository.signed.delete('timestamp');
    open(repository.timestamp).version = 2;
    repository.publish(['timestamp']);
    await refuses(device, 'TRUST_ROLLBACK', () => device.refresh(repository));
    repository.rotateKeys('timestamp');
    repository.publish(['root', 'timestamp']);
    expect(await device.refresh(repository)).toBe('trusted');
    device.loseMetadata();
    expect(await device.refresh(repository)).toBe('trusted');
    expect(await device.versions()).toMatchObject({ timestamp: 3 });
  });

  it('of the proven time by a stolen online key is over as well', async () => {
    const { repository, device } = await settled();
    open(repository.timestamp).expires = daysFromNow(40_000);
    open(repository.timestamp).unrecognizedFields = { 'x-spikescope-issued': daysFromNow(39_000) };
    repository.publish(['timestamp']);
    expect(await device.refresh(repository)).toBe('TRUST_EXPIRED');
    open(repository.timestamp).expires = daysFromNow(30);
    open(repository.timestamp).unrecognizedFields = { 'x-spikescope-issued': daysFromNow(0) };
    repository.rotateKeys('timestamp');
    repository.rotateKeys('snapshot');
    repository.publish(['root', 'targets', 'snapshot', 'timestamp']);
    expect(await device.refresh(repository)).toBe('trusted');
  });

  it('beyond what can be counted is no version', async () => {
    const { repository, device } = await settled();
    open(repository.timestamp).version = 2 ** 53;
    repository.publish(['timestamp'], { keepsVersions: true });
    await refuses(device, 'TRUST_MALFORMED', () => device.refresh(repository));
  });
});

describe('indefinite freeze', () => {
  it('by a source that shows the same state for ever is noticed when its time is over', async () => {
    const { repository, device } = await settled();
    device.now = NOW + 20 * DAY;
    expect(await device.refresh(repository)).toBe('trusted');
    device.now = NOW + 31 * DAY;
    await refuses(device, 'TRUST_FROZEN', () => device.refresh(repository));
  });

  it('is noticed with a clock that stands still, once anything signed has proven the time', async () => {
    const { repository, device } = await settled();
    open(repository.timestamp).expires = daysFromNow(500);
    open(repository.timestamp).unrecognizedFields = { 'x-spikescope-issued': daysFromNow(400) };
    for (const role of ['root', 'targets', 'snapshot']) open(repository.of(role)).expires = daysFromNow(800);
    repository.publish(['root', ...TARGETS]);
    expect(await device.refresh(repository)).toBe('trusted');
    device.now = Date.UTC(1970, 0, 1);
    open(repository.timestamp).expires = daysFromNow(399);
    repository.publish(['timestamp']);
    await refuses(device, 'TRUST_EXPIRED', () => device.refresh(repository));
  });

  it('a device that lay in a drawer for a year is brought up to date through all roots', async () => {
    const { repository, device } = await settled();
    for (let i = 1; i <= 12; i++) {
      for (const role of ['root', 'timestamp', 'snapshot', 'targets']) {
        open(repository.of(role)).expires = daysFromNow(30 * i + 40);
      }
      for (const role of i % 4 === 0 ? ['timestamp', 'snapshot', 'targets'] : []) repository.rotateKeys(role);
      const before = [...(repository.signers.get('root')?.values() ?? [])];
      repository.rotateKeys('root');
      for (const signer of before) repository.addSigner('root', signer);
      repository.publish(['root', ...TARGETS]);
      for (const signer of before) repository.signers.get('root')?.delete(signer.key.keyID);
    }
    device.now = NOW + 365 * DAY;
    expect(await device.refresh(repository)).toBe('trusted');
    expect(await device.versions()).toEqual({ root: 13, timestamp: 14, snapshot: 14, targets: 14 });
  });

  it('takes no chain of which a root was not signed by the one before', async () => {
    const { repository, device } = await settled();
    repository.publish(['root']);
    repository.rotateKeys('root');
    repository.publish(['root', ...TARGETS]);
    expect(await device.refresh(repository)).toBe('TRUST_SIGNATURE');
    expect(await device.versions()).toMatchObject({ root: 2, timestamp: 2 });
  });
});

describe('endless data', () => {
  const endless = (size: number) => (name: string, bytes: Uint8Array) =>
    name.includes('targets/') || name.includes('.json')
      ? Buffer.concat([bytes, Buffer.alloc(size, 32)])
      : bytes;

  it.each([
    ['timestamp.json', 20_000],
    ['2.root.json', 600_000],
    ['3.snapshot.json', 600_000],
    ['3.targets.json', 1_200_000],
  ])('as %s ends where it can be no more', async (file, size) => {
    const { repository, device } = await settled();
    repository.hashes = false;
    repository.publish(['root', ...TARGETS]);
    repository.tamper = (name, bytes) =>
      name.endsWith(file) ? Buffer.concat([bytes, Buffer.alloc(size, 32)]) : bytes;
    expect(await device.refresh(repository)).toBe('TRUST_TOO_LARGE');
  });

  it('as a target ends with the first byte that is not signed', async () => {
    const { repository, device } = await settled();
    repository.addTarget('targets', content('weights 2'), 'other');
    repository.publish(TARGETS);
    expect(await device.refresh(repository)).toBe('trusted');
    repository.tamper = endless(50_000_000);
    let taken = 0;
    const { open: real } = repository;
    repository.open = async (name, from) => {
      const opened = await real.call(repository, name, from);
      if (name[0] !== 'targets' || opened === null) return opened;
      return {
        from,
        pieces: (async function* () {
          for await (const piece of opened.pieces) {
            taken += piece.length;
            yield piece;
          }
        })(),
      };
    };
    repository.tamper = (name, bytes) =>
      name.startsWith('targets/') ? endless(50_000_000)(name, bytes) : bytes;
    await refuses(device, 'TARGET_DAMAGED', () => device.download(repository, 'other'));
    expect(taken).toBeLessThan(10_000);
  });
});

describe('mix and match', () => {
  it('of a new snapshot with older targets', async () => {
    const { repository, device } = await settled();
    const old = repository.bytes('targets');
    repository.addTarget('targets', content('weights 2'), 'model');
    repository.publish(TARGETS);
    repository.tamper = (name, bytes) => (name.endsWith('3.targets.json') ? old : bytes);
    expect(await device.refresh(repository)).toMatch(/^TRUST_MISMATCH$/);
    expect(await device.versions()).toMatchObject({ targets: 2 });
  });

  it('of a new timestamp with an older snapshot', async () => {
    const { repository, device } = await settled();
    const old = repository.bytes('snapshot');
    repository.publish(TARGETS);
    repository.tamper = (name, bytes) => (name.endsWith('3.snapshot.json') ? old : bytes);
    expect(await device.refresh(repository)).toBe('TRUST_MISMATCH');
    expect(await device.versions()).toMatchObject({ snapshot: 2, targets: 2 });
  });
});

describe('extraneous dependencies and wrong software', () => {
  it('a role signs nothing outside of its delegation', async () => {
    const { repository, device } = await settled();
    repository.delegate('targets', { name: 'site-a', paths: ['sites/a/*'], terminating: true });
    repository.addTarget('site-a', content('for the site'), 'sites/a/overlay');
    repository.addTarget('site-a', content('for all the world'), 'stable/model');
    repository.publish(['site-a', ...TARGETS]);
    expect(await device.download(repository, 'sites/a/overlay')).toEqual(content('for the site'));
    await refuses(device, 'TARGET_UNKNOWN', () => device.download(repository, 'stable/model'));
  });

  it('a target under the name of another is not what is signed', async () => {
    const { repository, device } = await settled();
    repository.addTarget('targets', content('weights A'), 'a');
    repository.addTarget('targets', content('weights B'), 'b');
    repository.publish(TARGETS);
    expect(await device.refresh(repository)).toBe('trusted');
    repository.artifacts.set('b', content('weights A'));
    await refuses(device, 'TARGET_DAMAGED', () => device.download(repository, 'b'));
  });
});

describe('a malicious mirror', () => {
  it.each([
    ['nothing at all', () => null],
    ['empty files', () => Buffer.alloc(0)],
    ['a page of its own', () => Buffer.from('<html>Welcome</html>')],
    ['JSON that nests without end', () => Buffer.from('['.repeat(8000) + ']'.repeat(8000))],
    ['bytes that are no text', () => Buffer.alloc(500, 0xff)],
    ['a document of another role', (simulator: Simulator) => simulator.bytes('snapshot')],
  ])('with %s changes nothing', async (_, answer) => {
    const { repository, device } = await settled();
    repository.publish(TARGETS);
    repository.tamper = (name) => (name.includes('root') ? null : answer(repository));
    const code = (await device.refresh(repository)) as string;
    expect(code).toMatch(/^TRUST_(MISSING|MALFORMED|SIGNATURE)$/);
    await refuses(device, code, () => device.refresh(repository));
  });

  it('that changes any one byte of a document changes nothing that is trusted', async () => {
    const { repository, device } = await settled();
    repository.publish(TARGETS);
    const whole = repository.bytes('timestamp');
    for (let i = 0; i < whole.length; i += 37) {
      const changed = Buffer.from(whole);
      changed[i] ^= 1;
      repository.tamper = (name, bytes) => (name.endsWith('timestamp.json') ? changed : bytes);
      expect(await device.refresh(repository)).toMatch(/^TRUST_/);
    }
    expect(await device.versions()).toMatchObject({ timestamp: 2 });
  });
});

describe('keys that were stolen', () => {
  it('below the threshold of a role sign nothing', async () => {
    const repository = new Simulator();
    const second = repository.addKey('root');
    repository.setThreshold('root', 2);
    repository.publish(['root']);
    const device = deviceOf(repository);
    expect(await device.refresh(repository)).toBe('trusted');
    // One of two is in the hands of the thief, who names keys of his own for all roles.
    repository.signers.set('root', new Map([[second.key.keyID, second]]));
    for (const role of ['targets', 'snapshot', 'timestamp']) repository.rotateKeys(role);
    repository.addTarget('targets', content('malware'), 'model');
    repository.publish(['root', ...TARGETS]);
    await refuses(device, 'TRUST_SIGNATURE', () => device.download(repository, 'model'));
  });

  it('of snapshot and timestamp alone release nothing', async () => {
    const { repository, device } = await settled();
    repository.signers.set('targets', new Map());
    repository.addSigner('targets', newSigner());
    repository.addTarget('targets', content('malware'), 'model');
    repository.publish(TARGETS);
    expect(await device.download(repository, 'model')).toBe('TRUST_SIGNATURE');
    expect(await device.versions()).toMatchObject({ targets: 2 });
  });

  it('are out of force with the next root, and the repository goes on', async () => {
    const { repository, device } = await settled();
    const [stolen] = repository.signers.get('targets')?.values() ?? [];
    repository.rotateKeys('targets');
    repository.publish(['root', ...TARGETS]);
    expect(await device.refresh(repository)).toBe('trusted');
    const genuine = new Map(repository.signers.get('targets'));
    repository.signers.set('targets', new Map([[stolen.key.keyID, stolen]]));
    repository.addTarget('targets', content('malware'), 'model');
    repository.publish(TARGETS);
    expect(await device.download(repository, 'model')).toBe('TRUST_SIGNATURE');
    repository.signers.set('targets', genuine);
    repository.addTarget('targets', content('weights 3'), 'model');
    repository.publish(TARGETS);
    expect(await device.download(repository, 'model')).toEqual(content('weights 3'));
  });
});
