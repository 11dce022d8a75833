import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ownDataFolder } from '../../src/store/owner.ts';
import { startAppliance } from '../support/appliance.ts';
import { compiled } from '../support/compiled.ts';
import { canMount, fillUp, mountSmallDisk } from '../support/small-disk.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'owner-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

/** A process that owns the folder until it is killed. */
async function otherOwner() {
  const script = `
    import { ownDataFolder } from ${JSON.stringify(compiled('store/owner.js').href)};
    globalThis.held = ownDataFolder(${JSON.stringify(folder)});
    process.stdout.write('owns');
    setInterval(() => {}, 1000);`;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script]);
  await once(child.stdout, 'data');
  return {
    pid: Number(child.pid),
    async kill() {
      child.kill('SIGKILL');
      await once(child, 'close');
    },
  };
}

const inUse = (received: unknown = expect.anything()) =>
  expect.objectContaining({
    code: 'DATA_FOLDER_IN_USE',
    exitCode: 1,
    details: expect.objectContaining({ received }),
  });

describe('a data folder', () => {
  it('has one owner at a time, whoever it is', () => {
    const owner = ownDataFolder(folder);
    expect(() => ownDataFolder(folder)).toThrow(inUse());
    owner.release();
    ownDataFolder(folder).release();
  });

  it('says which process owns it and what to do, and is free when that process was killed', async () => {
    for (let i = 0; i < 3; i++) {
      const other = await otherOwner();
      expect(() => ownDataFolder(folder)).toThrow(inUse(`process ${other.pid} holds it`));
      await other.kill();
      ownDataFolder(folder).release();
    }
  });

  it('is owned without a byte being written', () => {
    const owner = ownDataFolder(folder);
    expect(readFileSync(path.join(folder, 'owner.lock'))).toHaveLength(0);
    owner.release();
  });

  it.skipIf(!canMount())('can be owned on a full disk', () => {
    const unmount = mountSmallDisk(folder, '64k');
    try {
      ownDataFolder(folder).release();
      fillUp(path.join(folder, 'filler'));
      ownDataFolder(folder).release();
    } finally {
      unmount();
    }
  });

  it('lets a second appliance not start, and not touch it', async () => {
    const other = await otherOwner();
    const second = startAppliance(['--data', folder, '--count', '1']);
    expect((await second.ended).exitCode).toBe(1);
    expect(second.stderr()).toContain(`process ${other.pid} holds it`);
    expect(second.stderr()).toContain('[DATA_FOLDER_IN_USE]');
    await other.kill();
    const third = startAppliance(['--data', folder, '--count', '1']);
    expect((await third.ended).exitCode).toBe(0);
  });
});
