import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { expect, it, vi } from 'vitest';
import { runCamera } from '../../../src/capture/camera/camera-run.ts';
import { libcameraPrograms } from '../../../src/capture/camera/libcamera.ts';
import { openOutput } from '../../../src/capture/camera/output.ts';
import { DEFAULT_CAMERA } from '../../../src/capture/camera/settings.ts';

/** Writes numbers that count up to this, and ends. */
const COUNT = 2 ** 23;
const PROGRAM = `
const numbers = new Uint32Array(${COUNT}).map((_, i) => i);
process.stdout.write(Buffer.from(numbers.buffer));
`;

function digestOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}

it('hands on what a program writes, whole and in order, in memory that is made once', async () => {
  const hash = createHash('sha256');
  const memories = new Set<ArrayBufferLike>();
  let held = 0;
  const before = process.memoryUsage().arrayBuffers;
  const output = await openOutput((bytes) => {
    hash.update(bytes);
    memories.add(bytes.buffer);
    held = Math.max(held, process.memoryUsage().arrayBuffers - before);
  });
  const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['ignore', output.entrance, 'inherit'] });
  output.entrance.destroy();
  await Promise.all([once(output.exit, 'close'), once(child, 'exit')]);

  expect(hash.digest('hex')).toBe(digestOf(new Uint8Array(new Uint32Array(COUNT).map((_, i) => i).buffer)));
  expect(memories.size).toBe(1);
  // A stream's pieces would lie there until V8 collects: tens of megabytes of the 32 that were written.
  expect(held).toBeLessThan(2 ** 20);
});

it('leaves nothing behind by which another program could get in', async () => {
  const folder = mkdtempSync(path.join(tmpdir(), 'output-test-'));
  vi.stubEnv('TMPDIR', folder);
  const { entrance, exit } = await openOutput(() => {});
  expect(readdirSync(folder)).toEqual([]);
  entrance.destroy();
  await once(exit, 'close');
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true });
});

it('that cannot be had is told as a camera that cannot be started, with the reason', async () => {
  vi.stubEnv('TMPDIR', '/nowhere');
  const [program] = libcameraPrograms(DEFAULT_CAMERA);
  const listener = { open: () => expect.fail(), onTrusted: () => {}, onTruncated: () => {} };
  const deadlines = { start: 100, stall: 100, pause: 10 };
  await expect(runCamera(program, listener, deadlines, new AbortController().signal)).rejects.toMatchObject({
    code: 'CAMERA_EXITED',
    details: { file: 'rpicam-vid', received: 'no such file or directory' },
  });
  vi.unstubAllEnvs();
});
