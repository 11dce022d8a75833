/** Applications proven on this machine: this very program, and ones that are bad in one way each. */
import { mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import manifest from '../../package.json' with { type: 'json' };
import type { Candidate } from '../../src/updates/install/contract.ts';
import { proveApplication } from '../../src/updates/install/prove-application.ts';
import { compiled } from '../support/compiled.ts';
import { releaseOf } from '../support/updates/office.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'prove-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const { version } = manifest;

function candidate(tree: string, asked = version): Candidate {
  const target = {
    name: 'stable/spikescope.tar.br',
    length: 1,
    hashes: new Map([['sha256' as const, '0'.repeat(64)]]),
    place: [],
    keys: [],
    role: 'stable',
    custom: null,
  };
  return { target, release: releaseOf(asked, { kind: 'application' }), path: tree };
}

/** An application of which some commands do otherwise than this program. */
function spoiled(commands: Readonly<Record<string, string>>): string {
  const tree = path.join(folder, 'tree');
  mkdirSync(path.join(tree, 'bin'), { recursive: true });
  for (const name of readdirSync('.').filter((each) => !['bin', '.git'].includes(each))) {
    symlinkSync(path.resolve(name), path.join(tree, name));
  }
  const cases = Object.entries(commands).map(
    ([command, code]) => `case ${JSON.stringify(command)}: ${code}; break;`,
  );
  writeFileSync(
    path.join(tree, 'bin/spikescope.mjs'),
    `switch (process.argv[2]) { ${cases.join(' ')} default: await import(${JSON.stringify(path.resolve('bin/spikescope.mjs'))}); }`,
  );
  return tree;
}

const prove = (tree: string, asked?: string, deadline = 100_000) =>
  proveApplication(candidate(tree, asked), () => {}, { deadline, scratch: folder });

const failed = (proof: Awaited<ReturnType<typeof prove>>) =>
  proof.items.filter(({ passed }) => !passed).map(({ name, required }) => `${name}: ${required}`);

describe('the proof of an application', { timeout: 300_000 }, () => {
  it('passes this program, step by step, and leaves nothing', async () => {
    compiled('cli/main.js');
    const steps: string[] = [];
    const proof = await proveApplication(
      candidate(path.resolve('.')),
      (done, of) => steps.push(`${done}/${of}`),
      {
        model: path.resolve('models/qana64.spikescope'),
        scratch: folder,
      },
    );
    expect(failed(proof)).toEqual([]);
    expect(proof.items.map(({ name }) => name)).toEqual(['starts', 'doctor', 'capture', 'journal']);
    expect(proof.items.every(({ measured }) => Number(measured) > 0)).toBe(true);
    expect(steps).toEqual(['1/4', '2/4', '3/4', '4/4']);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('refuses one of another version than was signed, without trying the rest', async () => {
    expect(failed(await prove(spoiled({ '--version': "console.log('9.9.9')" })))).toEqual([
      `starts: prints ${version}; printed 9.9.9`,
      expect.stringMatching(/^doctor: .*; not tried$/),
      expect.stringMatching(/^capture: .*; not tried$/),
      expect.stringMatching(/^journal: .*; not tried$/),
    ]);
  });

  it('refuses what is no program', async () => {
    const proof = await prove(path.join(folder, 'nowhere'));
    expect(proof.passed).toBe(false);
    expect(failed(proof)[0]).toBe(`starts: prints ${version}; exit 1`);
  });

  it.each([
    ['crashes', "process.kill(process.pid, 'SIGSEGV')", 'ended by SIGSEGV'],
    ['ends with an error', 'process.exitCode = 1', 'exit 1'],
    ['gives no result', "console.log('{}')", 'no result'],
    [
      'says without end',
      "(await import('node:child_process')).spawnSync('yes', { stdio: 'inherit' })",
      'said too much',
    ],
  ])('refuses one whose capture %s', async (_, code, reason) => {
    const tree = spoiled({
      '--version': `console.log('${version}')`,
      doctor: `console.log('{"findings":[{"part":"engine","state":"works"},{"part":"models","state":"works"}]}')`,
      run: code,
      journal: '',
    });
    expect(failed(await prove(tree))).toEqual([`capture: a drawing is read and recorded; ${reason}`]);
  });

  it('ends one that never ends, with what it has started', async () => {
    const marker = path.join(folder, 'alive');
    const hanging = `const { spawn } = await import('node:child_process');
      spawn('sh', ['-c', 'sleep 3; touch ${marker}'], { stdio: 'inherit' }); await new Promise((resolve) => setTimeout(resolve, 1e8))`;
    const proof = await prove(spoiled({ '--version': hanging }), version, 1_500);
    expect(failed(proof)[0]).toBe(`starts: prints ${version}; not ended in 1500 ms`);
    await new Promise((resolve) => setTimeout(resolve, 3_000));
    expect(readdirSync(folder)).not.toContain('alive');
  });

  it('does not let it speak to the supervisor, or see the data of this device', async () => {
    process.env.NOTIFY_SOCKET = '/run/none';
    process.env.XDG_STATE_HOME = '/var/lib';
    try {
      const proof = await prove(
        spoiled({
          '--version': 'console.log([process.env.NOTIFY_SOCKET, process.env.XDG_STATE_HOME].join())',
        }),
        ',',
      );
      expect(proof.items[0].passed).toBe(true);
    } finally {
      delete process.env.NOTIFY_SOCKET;
      delete process.env.XDG_STATE_HOME;
    }
  });
});
