import { mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../src/cli/run/run.ts';
import { resultSchema } from '../../../src/telehealth/result.ts';
import { runCommand as runInProcess } from '../../support/run-command.ts';

const PATH = process.env.PATH;
const support = (name: string) => fileURLToPath(new URL(`../../support/${name}`, import.meta.url));

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'spikescope-device-'));
  process.env.PATH = `${folder}:${PATH}`;
});
afterEach(() => {
  process.env.PATH = PATH;
  delete process.env.FAKE_CAMERA;
  delete process.env.FAKE_GPIOD;
  rmSync(folder, { recursive: true, force: true });
});

function install(fake: string, ...names: string[]): void {
  for (const name of names) symlinkSync(support(fake), path.join(folder, name));
}

function run(...args: string[]) {
  return runInProcess(runCommand(), ['--data', path.join(folder, 'data'), '--json', ...args]);
}

const resultsIn = (stdout: string) =>
  stdout
    .trim()
    .split('\n')
    .map((line) => resultSchema.parse(JSON.parse(line)));

describe('run on a device', () => {
  it('reads frames of the camera by itself when a number of captures is asked for', async () => {
    install('fake-camera.mjs', 'rpicam-vid');
    const { exitCode, stdout, stderr } = await run(
      '--source',
      'libcamera',
      '--count',
      '3',
      '--camera-size',
      '320x240',
    );
    expect(exitCode).toBe(0);
    const results = resultsIn(stdout);
    expect(results).toHaveLength(3);
    expect(
      results.every(
        ({ source, accepted, reasons }) => source === 'libcamera' && !accepted && reasons.includes('flat'),
      ),
    ).toBe(true);
    expect(stderr).toContain('320×240 at 15 frames a second');
  });

  it('captures when the button is pressed, and not before', async () => {
    install('fake-camera.mjs', 'rpicam-vid');
    install('fake-gpiod.mjs', 'gpiodetect', 'gpiomon', 'gpioset');
    process.env.FAKE_GPIOD = JSON.stringify({
      edges: [
        [1500, 17, 'falling'],
        [2200, 17, 'rising'],
      ],
    });
    const started = Date.now();
    const { exitCode, stdout, stderr } = await run(
      ...['--source', 'libcamera', '--camera-size', '320x240', '--trigger', 'buttons', '--count', '1'],
    );
    expect(exitCode).toBe(0);
    const [result] = resultsIn(stdout);
    expect(new Date(result.capturedAt).getTime() - started).toBeGreaterThan(1000);
    expect(stderr).toContain('buttons on gpiochip0, pins 17, 27, 22, 23');
  });

  it('fails where a number of captures is asked of a camera that is not connected', async () => {
    install('fake-camera.mjs', 'ffmpeg');
    process.env.FAKE_CAMERA = JSON.stringify({ exitAfter: 0 });
    const { fault, stdout } = await run('--source', 'v4l2:/dev/video-none', '--count', '1');
    expect(fault).toMatchObject({ code: 'CAMERA_ABSENT', exitCode: 1, details: { file: '/dev/video-none' } });
    expect(stdout).toBe('');
  });

  it('says what is missing when there is no camera program', async () => {
    process.env.PATH = folder;
    const { fault } = await run('--source', 'libcamera', '--count', '1');
    expect(fault).toMatchObject({ code: 'CAMERA_PROGRAM_MISSING' });
  });
});
