/** The commands of docs/use/provisioning.md, run as they are printed. */
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { bundleOfVersion } from '../support/updates/bundles.ts';

const page = readFileSync('docs/use/provisioning.md', 'utf8');
const [, block = ''] = /```sh\n([\s\S]*?)```/.exec(page) ?? [];
const commands = block.trim().split('\n');

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'provisioning-page-'));
  mkdirSync(path.join(folder, 'bin'));
  const program = path.join(folder, 'bin/spikescope');
  writeFileSync(
    program,
    `#!/bin/sh\nexec '${process.execPath}' '${path.resolve('bin/spikescope.mjs')}' "$@"\n`,
  );
  chmodSync(program, 0o755);
  writeFileSync(path.join(folder, 'model.spikescope'), bundleOfVersion('99.0.0'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function sh(command: string) {
  return spawnSync('sh', ['-c', command], {
    cwd: folder,
    encoding: 'utf8',
    env: {
      ...process.env,
      PATH: `${path.join(folder, 'bin')}:${process.env.PATH}`,
      XDG_STATE_HOME: path.join(folder, 'state'),
      SPIKESCOPE_PASSPHRASE: 'a passphrase of some length',
    },
  });
}

describe('the five commands of the page', { timeout: 600_000 }, () => {
  it('are five', () => expect(commands).toHaveLength(5));

  it('take a newcomer from nothing to a device that reads with a release', () => {
    for (const command of commands.slice(0, -1)) {
      const { status, stderr } = sh(command);
      expect({ command, status, stderr }).toEqual({ command, status: 0, stderr: '' });
    }
    const { status, stdout, stderr } = sh(commands[4]);
    expect({ status, stdout }, stderr).toEqual({
      status: 0,
      stdout: 'model qana64 99.0.0 is proven, and waits for the next start of run\n',
    });
    expect(sh('spikescope provision verify --from stick').stdout).toMatch(
      /^trusted: root 1, timestamp 1, snapshot 1, targets 1\nstable\/qana64-99\.0\.0\.spikescope: whole, /,
    );
    const { stdout: result } = sh('spikescope run --data state/spikescope --count 1 --json');
    expect(JSON.parse(result)).toMatchObject({ model: { name: 'qana64', version: '99.0.0' } });
    expect(sh('spikescope journal verify').stdout).toContain('all sound');
  });

  it('end with 3 where the stick is not what was signed', () => {
    writeFileSync(path.join(folder, 'stick/metadata/1.stable.json'), '{}');
    rmSync(path.join(folder, 'state'), { recursive: true });
    const { status, stderr } = sh(commands[4]);
    expect(status).toBe(3);
    expect(stderr).toContain('[TRUST_');
  });
});
