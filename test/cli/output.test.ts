import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { ablationCommand } from '../../src/cli/ablation/ablation.ts';
import { balanceCommand } from '../../src/cli/balance/balance.ts';
import { benchCommand } from '../../src/cli/bench/bench.ts';
import { calibrateCommand } from '../../src/cli/calibrate/calibrate.ts';
import { convertCommand } from '../../src/cli/convert/convert.ts';
import { evaluateCommand } from '../../src/cli/evaluate/evaluate.ts';
import { exportCommand } from '../../src/cli/export/export.ts';
import { inspectCommand } from '../../src/cli/inspect/inspect.ts';
import { requireWritable } from '../../src/cli/shared/output.ts';
import { trainCommand } from '../../src/cli/train/train.ts';
import { writeCheckpoint } from '../../src/model/checkpoint/file.ts';
import { randomCheckpoint } from '../support/architectures.ts';
import { runCommand } from '../support/run-command.ts';
import { writeTinyDataset } from '../support/tiny-dataset.ts';

let folder: string;
let dataset: string;
let checkpoint: string;
let missing: string;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'output-'));
  dataset = path.join(folder, 'dataset');
  checkpoint = path.join(folder, 'tiny.checkpoint');
  missing = path.join(folder, 'missing');
  await writeCheckpoint(checkpoint, randomCheckpoint());
  await writeTinyDataset(dataset, 12);
});
afterAll(() => rmSync(folder, { recursive: true }));

describe('a file that was asked for by name', () => {
  const writers: readonly [string, () => Command, (file: string) => string[]][] = [
    ['bench --report', benchCommand, (file) => ['--report', file]],
    ['export --out', exportCommand, (file) => ['--format', 'onnx-qdq', '--out', file]],
    ['convert --out', convertCommand, (file) => ['--from', checkpoint, '--out', file]],
    ['evaluate --html', evaluateCommand, (file) => ['--dataset', dataset, '--html', file]],
    ['calibrate --html', calibrateCommand, (file) => ['--dataset', dataset, '--html', file]],
    ['calibrate --out', calibrateCommand, (file) => ['--dataset', dataset, '--out', file]],
    ['inspect --activity --html', inspectCommand, (file) => ['--activity', '--html', file]],
  ];

  it.each(writers)(
    'is refused by `%s` where its folder is missing, and none is made',
    async (_, make, args) => {
      const { exitCode, fault, stderr } = await runCommand(make(), args(path.join(missing, 'file')));
      expect(fault).toMatchObject({ code: 'OUT_UNWRITABLE', exitCode: 1 });
      expect(exitCode).toBe(1);
      // Before the work began, so that hours of it are not lost.
      expect(stderr).toBe('');
      expect(existsSync(missing)).toBe(false);
    },
  );

  it('goes into reports/ also where that is missing: reports go there unless told otherwise', () => {
    vi.spyOn(process, 'cwd').mockReturnValue(folder);
    requireWritable('reports/bench.html', '--report');
    expect(existsSync(path.join(folder, 'reports'))).toBe(true);
    vi.restoreAllMocks();
  });

  it('is refused where it is a folder', async () => {
    const { fault } = await runCommand(exportCommand(), ['--format', 'onnx-qdq', '--out', folder]);
    expect(fault).toMatchObject({ code: 'OUT_UNWRITABLE' });
  });
});

describe('a folder that a command fills', () => {
  const fillers: readonly [string, () => Command, (out: string) => string[]][] = [
    ['train', trainCommand, (out) => ['--dataset', dataset, '--out', out]],
    [
      'train',
      trainCommand,
      (out) => ['--dataset', dataset, '--cache', out, '--out', path.join(folder, 'out')],
    ],
    ['balance', balanceCommand, (out) => ['--from', checkpoint, '--dataset', dataset, '--out', out]],
    ['ablation', ablationCommand, (out) => ['--dataset', dataset, '--out', out]],
  ];

  it.each(fillers)(
    'is refused by `%s` where it cannot be made, also where the system would try for ever',
    async (_, make, args) => {
      const classes = ['--classes', 'benign,malign'];
      for (const out of ['/proc/spikescope/a', checkpoint]) {
        const { fault } = await runCommand(make(), [...args(out), ...classes]);
        expect(fault).toMatchObject({ code: 'OUT_UNWRITABLE', exitCode: 1 });
      }
    },
  );
});

describe.skipIf(!existsSync('/dev/full'))('an output that takes nothing', { timeout: 60_000 }, () => {
  it.each([
    ['inspect', ''],
    ['inspect --json', ''],
    ['run --count 1', ' --data "$0"'],
  ])('is a failure of `%s` that is told in words', (command, options) => {
    const script = `exec ${process.execPath} bin/spikescope.mjs ${command}${options} >/dev/full`;
    const { status, stderr } = spawnSync('/bin/sh', ['-c', script, path.join(folder, 'data')], {
      encoding: 'utf8',
    });
    expect(stderr).toMatch(/The output cannot be written: .*\[OUTPUT\]/);
    expect(stderr).not.toMatch(/^ +at /m);
    expect(status).toBe(1);
  });

  it('is not even told of where errors have no place either', () => {
    const script = `exec ${process.execPath} bin/spikescope.mjs inspect >/dev/full 2>/dev/full`;
    expect(spawnSync('/bin/sh', ['-c', script]).status).toBe(1);
  });

  it('is no failure when the reader has seen enough', () => {
    const script = `${process.execPath} bin/spikescope.mjs inspect | head -n 1`;
    expect(execFileSync('/bin/bash', ['-o', 'pipefail', '-c', script], { encoding: 'utf8' })).toMatch(/qana/);
  });
});
