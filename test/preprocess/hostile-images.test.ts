import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { execaSync } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { classifyCommand } from '../../src/cli/classify/classify.ts';
import { RefusedError } from '../../src/errors.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { decodeImage } from '../../src/preprocess/decode.ts';
import { DEFAULT_QUALITY, measureQuality, retakeReasons } from '../../src/preprocess/quality.ts';
import { hostileImages } from '../support/hostile-images.ts';
import { runCommand } from '../support/run-command.ts';
import { tinyModel } from '../support/tiny-model.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-hostile-'));
const images = await hostileImages();
const outcomes = [...new Set(images.map(({ outcome }) => outcome))];

afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** `read`, the refusal's code, or the reasons for a retake. */
async function outcomesOf(source: string | Uint8Array): Promise<readonly string[]> {
  try {
    const reasons = retakeReasons(measureQuality(await decodeImage(source)), DEFAULT_QUALITY);
    return reasons.length === 0 ? ['read'] : reasons;
  } catch (error) {
    if (error instanceof RefusedError) return [error.code];
    throw error;
  }
}

describe('hostile images', () => {
  it('are many, and have names of their own', () => {
    expect(images.length).toBeGreaterThanOrEqual(80);
    expect(new Set(images.map(({ name }) => name)).size).toBe(images.length);
  });

  describe.each(outcomes)('%s', (outcome) => {
    const members = images.filter((image) => image.outcome === outcome);
    it.each(members.map(({ name, bytes }) => [JSON.stringify(name), bytes] as const))(
      '%s',
      async (_, bytes) => {
        expect(await outcomesOf(bytes)).toContain(outcome);
      },
    );
  });
});

describe('places that are no image files', () => {
  const at = (name: string) => path.join(folder, name);

  beforeAll(() => {
    mkdirSync(at('folder.jpg'));
    symlinkSync(at('nothing'), at('dead-link.jpg'));
    symlinkSync(at('loop.jpg'), at('loop.jpg'));
    execaSync('mkfifo', [at('pipe.jpg')]);
    symlinkSync(at('pipe.jpg'), at('link-to-pipe.jpg'));
    writeFileSync(at('large.jpg'), '');
    truncateSync(at('large.jpg'), 65 * 2 ** 20);
    writeFileSync(at('secret.jpg'), 'secret', { mode: 0o000 });
  });

  it.each([
    ['folder.jpg', 'IMAGE_IS_DIRECTORY'],
    ['nothing.jpg', 'IMAGE_NOT_FOUND'],
    ['large.jpg/below.jpg', 'IMAGE_NOT_FOUND'],
    ['dead-link.jpg', 'IMAGE_DEAD_LINK'],
    ['loop.jpg', 'IMAGE_DEAD_LINK'],
    ['pipe.jpg', 'IMAGE_NOT_A_FILE'],
    ['link-to-pipe.jpg', 'IMAGE_NOT_A_FILE'],
    ['/dev/zero', 'IMAGE_NOT_A_FILE'],
    ['large.jpg', 'IMAGE_FILE_TOO_LARGE'],
    ['/proc/self/status', 'IMAGE_EMPTY'],
    ['null\0byte.jpg', 'IMAGE_UNREADABLE'],
    [`${'long'.repeat(100)}.jpg`, 'IMAGE_UNREADABLE'],
  ])('%j is refused with %s', async (name, code) => {
    const place = name.startsWith('/') ? name : at(name);
    await expect(decodeImage(place)).rejects.toMatchObject({ code, exitCode: 3 });
  });

  it.skipIf(process.getuid?.() === 0)(
    'a file without read permission is refused (root may read all)',
    async () => {
      await expect(decodeImage(at('secret.jpg'))).rejects.toMatchObject({ code: 'IMAGE_UNREADABLE' });
    },
  );

  it('a socket is refused', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(at('socket.jpg'), resolve));
    try {
      await expect(decodeImage(at('socket.jpg'))).rejects.toMatchObject({ code: 'IMAGE_NOT_A_FILE' });
    } finally {
      server.close();
    }
  });
});

describe('a batch that holds them all', () => {
  const batch = path.join(folder, 'batch');
  const model = path.join(folder, 'tiny.spikescope');

  beforeAll(async () => {
    const contents = tinyModel();
    await writeBundle(model, {
      ...contents,
      preprocessing: { ...contents.preprocessing, quality: DEFAULT_QUALITY },
    });
    mkdirSync(batch);
    for (const { name, bytes } of images) writeFileSync(path.join(batch, name), bytes);
    symlinkSync('nowhere', path.join(batch, 'dead-link.jpg'));
    execaSync('mkfifo', [path.join(batch, 'pipe.jpg')]);
  });

  it('is read to its end: every file gets its own line, the good ones are read, the exit code is 3', async () => {
    const { stdout, exitCode, fault } = await runCommand(classifyCommand(), [
      '--json',
      '--model',
      model,
      batch,
    ]);
    expect(fault).toBeNull();
    expect(exitCode).toBe(3);
    const lines = new Map(
      stdout
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line))
        .map((document) => [path.basename(document.path), document]),
    );
    const expected = new Map(images.map(({ name, outcome }) => [name, outcome]));
    expected.set('dead-link.jpg', 'IMAGE_DEAD_LINK').set('pipe.jpg', 'IMAGE_NOT_A_FILE');
    expect([...lines.keys()].sort()).toEqual([...expected.keys()].sort());
    for (const [name, outcome] of expected) {
      const document = lines.get(name);
      if (outcome === 'read') {
        expect(document, name).toMatchObject({ accepted: true, reasons: [] });
      } else {
        expect(document, name).toMatchObject({ accepted: false, diagnosis: 'retake', probabilities: {} });
        expect(document.reasons, name).toContain(outcome);
      }
    }
  });

  it('is shown to people without obeying what file names hold', async () => {
    const { stdout } = await runCommand(classifyCommand(), ['--model', model, batch]);
    expect(stdout).not.toContain('\u001b[31mred');
    expect(stdout.trimEnd().split('\n')).toHaveLength(images.length + 2);
  });
});
