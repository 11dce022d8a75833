import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DEFAULT_CAMERA } from '../../src/capture/camera/settings.ts';
import { openSource } from '../../src/capture/open-source.ts';
import { ReplaySource } from '../../src/capture/replay.ts';
import type { SourceOptions } from '../../src/capture/source-type.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'replay-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function put(name: string): void {
  mkdirSync(path.dirname(path.join(folder, name)), { recursive: true });
  writeFileSync(path.join(folder, name), 'content is not looked at here');
}

async function origins(source: ReplaySource, limit: number): Promise<string[]> {
  const found: string[] = [];
  for await (const { origin } of source.frames(new AbortController().signal)) {
    found.push(path.relative(folder, origin));
    if (found.length === limit) break;
  }
  return found;
}

describe('the replayed folder', () => {
  it('gives images at any depth, sorted, and nothing else', async () => {
    for (const name of ['b/2.JPG', 'b/10.jpeg', 'a.png', 'c/d/e.webp', 'metadata.csv', '.DS_Store'])
      put(name);
    const source = await ReplaySource.open(folder, { endless: false });
    expect(await origins(source, 100)).toEqual(['a.png', 'b/10.jpeg', 'b/2.JPG', 'c/d/e.webp']);
  });

  it('starts over when more captures are wanted than it has', async () => {
    put('1.jpg');
    put('2.jpg');
    const source = await ReplaySource.open(folder, { endless: true });
    expect(await origins(source, 5)).toEqual(['1.jpg', '2.jpg', '1.jpg', '2.jpg', '1.jpg']);
  });

  it('yields dead links and does not follow links to folders', async () => {
    put('real/1.jpg');
    symlinkSync(path.join(folder, 'nowhere'), path.join(folder, 'dead.jpg'));
    symlinkSync(folder, path.join(folder, 'loop'));
    const source = await ReplaySource.open(folder, { endless: false });
    expect(await origins(source, 100)).toEqual(['dead.jpg', 'real/1.jpg']);
  });

  it('ends when asked to', async () => {
    put('1.jpg');
    const source = await ReplaySource.open(folder, { endless: true });
    const controller = new AbortController();
    let captures = 0;
    for await (const _ of source.frames(controller.signal)) {
      captures++;
      if (captures === 3) controller.abort();
    }
    expect(captures).toBe(3);
  });

  it('is refused when it holds no images, does not exist, or is a file', async () => {
    put('readme.txt');
    const open = (place: string) => ReplaySource.open(place, { endless: false });
    await expect(open(folder)).rejects.toMatchObject({ code: 'REPLAY_EMPTY', exitCode: 2 });
    await expect(open(path.join(folder, 'missing'))).rejects.toMatchObject({
      code: 'REPLAY_FOLDER',
      details: { received: 'no such file or directory' },
    });
    await expect(open(path.join(folder, 'readme.txt'))).rejects.toMatchObject({ code: 'REPLAY_FOLDER' });
  });
});

describe('--source', () => {
  const options: SourceOptions = {
    seed: 1,
    endless: false,
    mustBePresent: false,
    camera: DEFAULT_CAMERA,
    sharpness: () => 0,
    onFault: () => {},
  };

  it('opens phantoms, folders and cameras', async () => {
    put('a:b/1.jpg');
    expect((await openSource('phantom', options)).kind).toBe('phantom');
    expect((await openSource(`replay:${path.join(folder, 'a:b')}`, options)).kind).toBe('replay');
    expect((await openSource('libcamera', options)).kind).toBe('libcamera');
    expect((await openSource('v4l2:/dev/v4l/by-id/usb-scope_1:2', options)).kind).toBe('v4l2');
  });

  it.each([
    ['libcamera:1', 'SOURCE_UNKNOWN'],
    ['v4l2:', 'SOURCE_UNKNOWN'],
    ['v4l2:video0', 'CAMERA_DEVICE'],
    ['v4l2:/dev/../etc/passwd', 'CAMERA_DEVICE'],
    ['v4l2:/dev/video0 ! filesink location=x', 'CAMERA_DEVICE'],
    ['replay:', 'SOURCE_UNKNOWN'],
    ['replay', 'SOURCE_UNKNOWN'],
    ['phantom:3', 'SOURCE_UNKNOWN'],
    ['', 'SOURCE_UNKNOWN'],
  ])('%j is wrong usage: %s', async (specification, code) => {
    await expect(openSource(specification, options)).rejects.toMatchObject({ code, exitCode: 2 });
  });
});
