import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomUUID } from 'node:crypto';
import {
  copyFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { journalCommand } from '../../src/cli/journal/journal.ts';
import { openDeviceJournal } from '../../src/store/device-journal.ts';
import { Journal } from '../../src/store/journal.ts';
import { Updates } from '../../src/updates/updates.ts';
import { runCommand } from '../support/run-command.ts';
import { NOW, Simulator } from '../support/updates/simulator.ts';

let data: string;
let file: string;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'journal-command-'));
  file = path.join(data, 'journal.sqlite');
});
afterEach(() => rmSync(data, { recursive: true, force: true }));

/** A journal with three results, all acknowledged. */
function fill(): void {
  const journal = Journal.open(file);
  for (let i = 0; i < 3; i++) {
    journal.append({ id: randomUUID(), capturedAt: new Date().toISOString(), payload: '{}' });
  }
  journal.acknowledge(journal.waiting(10));
  journal.close();
}

const run = (...args: string[]) => runCommand(journalCommand(), [...args, '--data', data]);

describe('spikescope journal', () => {
  it('verifies a sound journal, and names the end of its chain for a later look', async () => {
    fill();
    const { exitCode, stdout } = await run('verify');
    expect(exitCode).toBe(0);
    expect(stdout).toContain('9 records, all sound; 0 messages wait');
    const [head] = /9:[0-9a-f]{64}/.exec(stdout) ?? [''];
    expect((await run('verify', '--witnessed', head)).exitCode).toBe(0);
    const other = `9:${'0'.repeat(64)}`;
    expect((await run('verify', '--witnessed', other)).fault).toMatchObject({ code: 'JOURNAL_BROKEN' });
  });

  it('names the first bad record, and exits with 1', async () => {
    fill();
    const database = new Database(file);
    database.exec(
      "DROP TRIGGER records_no_update; UPDATE records SET payload = '[]' WHERE sequence IN (4, 6)",
    );
    database.close();
    const { fault, exitCode, stdout } = await run('verify', '--json');
    expect(exitCode).toBe(1);
    expect(fault?.describe()).toContain('record 4');
    expect(JSON.parse(stdout)).toMatchObject({ sound: false, sequence: 4 });
  });

  it('has results sent again, from a record on', async () => {
    fill();
    expect((await run('resend', '--from', '3')).stdout).toBe('2 messages will be sent again\n');
    const journal = Journal.open(file);
    expect(journal.depth()).toBe(2);
    journal.close();
  });

  it('knows verdicts: counts those that wait, misses one that is lost, and has them sent again', async () => {
    fill();
    const journal = Journal.open(file);
    const [{ id }] = journal.entries();
    const payload = JSON.stringify({ schema: 'spikescope/label/1', id: randomUUID(), result: id });
    journal.record([{ kind: 'label', caseId: id, payload, isMessage: true }]);
    expect((await run('verify')).stdout).toContain('10 records, all sound; 1 message waits');
    journal.acknowledge(journal.waiting(1));
    journal.close();
    expect((await run('verify')).stdout).toContain('11 records, all sound; 0 messages wait');
    expect((await run('resend', '--from', '7')).stdout).toBe('1 message will be sent again\n');
    expect((await run('resend', '--from', '1')).stdout).toBe('3 messages will be sent again\n');
  });

  it.each([
    [['verify'], 'JOURNAL_MISSING'],
    [['resend', '--from', '1'], 'JOURNAL_MISSING'],
  ])('%j makes no journal where there is none', async (args, code) => {
    expect((await run(...args)).fault).toMatchObject({ code, exitCode: 2 });
    expect(readdirSync(data)).toEqual([]);
  });

  it.each([[['verify', '--witnessed', 'x']], [['resend', '--from', '0']], [['resend', '--from', '1e3']]])(
    '%j is wrong usage',
    async (args) => {
      fill();
      expect((await run(...args)).fault).toMatchObject({ code: 'OPTION_VALUE', exitCode: 2 });
    },
  );
});

describe('a journal that was put back to an older copy', () => {
  it('is told by what provisioning trusts, unless a break of the chain tells it already', async () => {
    const repository = new Simulator();
    const { journal } = openDeviceJournal(data);
    const check = async (open: Journal) => {
      const root = repository.bytes('root', 0);
      const updates = await Updates.open({ data, journal: open, by: 'x', root, now: () => NOW });
      await updates.use(repository, async () => {});
      updates.close();
    };
    await check(journal);
    journal.close();
    const kept = ['journal.sqlite', 'journal.head'].map((name) => path.join(data, name));
    for (const name of kept) copyFileSync(name, `${name}.copy`);
    const later = openDeviceJournal(data);
    repository.publish(['targets', 'snapshot', 'timestamp']);
    await check(later.journal);
    later.journal.close();
    expect((await run('verify')).exitCode).toBe(0);
    // With its head, so that nothing in it is missed.
    for (const name of kept) copyFileSync(`${name}.copy`, name);
    const { fault, exitCode } = await run('verify');
    expect(exitCode).toBe(1);
    expect(fault).toMatchObject({ code: 'JOURNAL_BROKEN', details: { field: 'record 2' } });
    truncateSync(file, 0);
    const anew = openDeviceJournal(data);
    expect(anew.fault).not.toBeNull();
    anew.journal.close();
    expect((await run('verify')).exitCode).toBe(1);
    rmSync(path.join(data, 'updates/metadata.json'));
    expect((await run('verify')).exitCode).toBe(0);
  });
});

describe('spikescope journal export', () => {
  const sums = (folder: string) =>
    spawnSync('sha256sum', ['--check', '--quiet', 'SHA256SUMS'], { cwd: folder, encoding: 'utf8' });

  it('carries off a copy that verifies, with digests and a signature that common programs check', async () => {
    fill();
    writeFileSync(path.join(data, 'device.json'), '{"device":"scope-1"}');
    const to = mkdtempSync(path.join(data, 'stick-'));
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    writeFileSync(path.join(data, 'key.pem'), privateKey.export({ type: 'pkcs8', format: 'pem' }));
    writeFileSync(path.join(data, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    const { stdout, exitCode } = await run(
      'export',
      '--to',
      to,
      '--key',
      path.join(data, 'key.pem'),
      '--json',
    );
    const { folder, files, sound } = JSON.parse(stdout);
    expect([exitCode, sound, path.dirname(folder)]).toEqual([0, true, to]);
    expect(files).toEqual(
      expect.arrayContaining(['journal.sqlite', 'device.json', 'SHA256SUMS', 'SHA256SUMS.sig']),
    );
    expect(sums(folder)).toMatchObject({ status: 0, stdout: '' });
    const words = [
      'dgst',
      '-sha256',
      '-verify',
      path.join(data, 'public.pem'),
      '-signature',
      'SHA256SUMS.sig',
    ];
    const { status, stdout: said } = spawnSync('openssl', [...words, 'SHA256SUMS'], {
      cwd: folder,
      encoding: 'utf8',
    });
    if (status !== null) expect(said).toContain('Verified OK');
    const { stdout: verified } = await runCommand(journalCommand(), ['verify', '--data', folder]);
    expect(verified).toContain('9 records, all sound');

    writeFileSync(path.join(folder, 'device.json'), '{"device":"scope-2"}');
    expect(sums(folder).status).toBe(1);
  });

  it('takes one at work, and one that is damaged, and says so', async () => {
    fill();
    const journal = Journal.open(file);
    journal.append({ id: randomUUID(), capturedAt: new Date().toISOString(), payload: '{}' });
    const to = mkdtempSync(path.join(data, 'stick-'));
    expect(JSON.parse((await run('export', '--to', to, '--json')).stdout).sound).toBe(true);
    journal.close();
    const database = new Database(file);
    database.exec("DROP TRIGGER records_no_update; UPDATE records SET payload = '[]' WHERE sequence = 4");
    database.close();
    const second = mkdtempSync(path.join(data, 'stick-'));
    const { stdout } = await run('export', '--to', second, '--json');
    const { folder, sound } = JSON.parse(stdout);
    expect(sound).toBe(false);
    expect(readFileSync(path.join(folder, 'verification.json'), 'utf8')).toContain('"sequence": 4');
  });

  it('refuses a stick that takes nothing', async () => {
    fill();
    expect((await run('export', '--to', path.join(data, 'no-stick'))).fault).toMatchObject({
      code: 'EXPORT',
    });
  });
});
