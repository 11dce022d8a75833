/** What may go wrong, each brought about in a real appliance, and what it tells its screens of it. */
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { describe, expect, it, vi } from 'vitest';
import { PhantomPainter } from '../../../src/capture/phantom/draw.ts';
import { SpikescopeError } from '../../../src/errors.ts';
import type { RgbFrame } from '../../../src/frame.ts';
import { interpreterBackend } from '../../../src/runtime/engine/interpreter.ts';
import { BACKENDS } from '../../../src/runtime/engine/registry.ts';
import type { ScreenState } from '../../../src/ui/web/contract.ts';
import { DISPLAY_COOKIE } from '../../../src/ui/web/server/clients.ts';
import type { Part } from '../../../src/ui/web/words.ts';
import { UpdateProgress } from '../../../src/updates/progress.ts';
import { FailingCard } from '../../support/failing-card.ts';
import { freePort } from '../../support/mosquitto.ts';
import { listenedBy, type RunningScreen, ScreenClient, startScreen } from '../../support/screen.ts';
import { canMount, mountSmallDisk } from '../../support/small-disk.ts';

const START = 120_000;

type Started = { readonly running: RunningScreen; readonly client: ScreenClient };

async function withScreen(
  start: Parameters<typeof startScreen>,
  use: (started: Started) => Promise<void>,
): Promise<void> {
  const running = await startScreen(...start);
  try {
    const { url, displaySecret } = running.screen;
    await use({ running, client: await ScreenClient.open(url, `${DISPLAY_COOKIE}=${displaySecret}`) });
  } finally {
    await running.close();
  }
}

const itemOf = ({ status }: ScreenState, part: Part) => status.find((item) => item.part === part);

/** Until the device says so of a part. */
async function says(client: ScreenClient, part: Part, expected: object): Promise<void> {
  await expect
    .poll(async () => itemOf(await client.state(), part), { timeout: 30_000 })
    .toMatchObject(expected);
}

function isLive({ viewfinder }: ScreenState): boolean {
  return viewfinder.state === 'live';
}

/** A board of two colours, sharp and well lit: no skin. */
function board(): RgbFrame {
  const [width, height] = [600, 450];
  const rgb = new Uint8Array(3 * width * height);
  for (let i = 0; i < width * height; i++) {
    const isDark = (((i % width) >> 5) + (Math.floor(i / width) >> 5)) % 2 === 1;
    rgb.set(isDark ? [40, 90, 160] : [225, 225, 230], 3 * i);
  }
  return { rgb, width, height };
}

async function blurred(): Promise<RgbFrame> {
  const { rgb, width, height } = new PhantomPainter().draw(1).frame;
  const image = sharp(rgb, { raw: { width, height, channels: 3 } }).blur(12);
  return { rgb: new Uint8Array(await image.raw().toBuffer()), width, height };
}

describe('a real appliance tells its screens', () => {
  it(
    'of a camera that is not there, whose program ends before a frame',
    async () => {
      await withScreen([{}, { faults: { exitAfter: 0 } }], async ({ client }) => {
        await says(client, 'camera', {
          severity: 'fault',
          message: 'camera.absent',
          remedy: 'remedy.camera.connect',
        });
      });
    },
    START,
  );

  it(
    'of a camera that was there and gives no pictures any more',
    async () => {
      await withScreen([{}, { faults: { stallAfter: 20 } }], async ({ client }) => {
        await says(client, 'camera', {
          severity: 'fault',
          message: 'camera.silent',
          remedy: 'remedy.camera.restart',
        });
      });
    },
    START,
  );

  it(
    'of a lens that may be dirty, after the third picture out of focus in a row',
    async () => {
      await withScreen([{}, { pictures: [await blurred()] }], async ({ running, client }) => {
        await client.states(isLive);
        for (let i = 0; i < 3; i++) {
          expect(itemOf(await client.state(), 'camera')?.message).toBe('camera.ok');
          await running.device.appliance.capture();
        }
        const state = await client.state();
        expect(state.reading).toMatchObject({ accepted: false, reasons: ['out-of-focus'] });
        expect(itemOf(state, 'camera')).toMatchObject({
          message: 'camera.lens',
          remedy: 'remedy.camera.clean',
        });
      });
    },
    START,
  );

  it(
    'of a picture that shows no lesion',
    async () => {
      await withScreen([{}, { pictures: [board()] }], async ({ running, client }) => {
        await client.states(isLive);
        await running.device.appliance.capture();
        const { flow, reading } = await client.state();
        expect([flow.state, reading?.reasons]).toEqual(['retake', ['out-of-scope']]);
      });
    },
    START,
  );

  it(
    'of a broker that is away, and how much waits for it',
    async () => {
      const broker = `mqtt://127.0.0.1:${await freePort()}`;
      await withScreen([{ broker, source: 'phantom' }, { camera: false }], async ({ running, client }) => {
        await running.device.appliance.capture();
        await says(client, 'broker', {
          severity: 'warning',
          message: 'broker.away',
          remedy: 'remedy.broker.network',
          values: { waiting: 1 },
        });
      });
    },
    START,
  );

  it(
    'of a card that dies, while the processor reads in its place',
    async () => {
      const card = new FailingCard(BACKENDS[0]);
      const backends = [BACKENDS[0], card.backend, interpreterBackend];
      const settings = { backend: 'auto', source: 'phantom' } as const;
      await withScreen([settings, { camera: false, backends }], async ({ running, client }) => {
        expect(itemOf(await client.state(), 'card')?.message).toBe('card.ok');
        card.isDead = true;
        const { reading } = await running.device.appliance.capture();
        expect(reading?.id).toBeDefined();
        await says(client, 'card', {
          severity: 'warning',
          message: 'card.lost',
          remedy: 'remedy.card.service',
        });
      });
    },
    START,
  );

  it(
    'of a clock that the system says nothing has set',
    async () => {
      const programs = mkdtempSync(path.join(tmpdir(), 'clock-'));
      const before = process.env.PATH;
      writeFileSync(path.join(programs, 'timedatectl'), '#!/bin/sh\necho no\n');
      chmodSync(path.join(programs, 'timedatectl'), 0o755);
      process.env.PATH = `${programs}:${before}`;
      try {
        await withScreen([{ source: 'phantom' }, { camera: false }], async ({ client }) => {
          await says(client, 'clock', {
            severity: 'warning',
            message: 'clock.unsynchronised',
            remedy: 'remedy.clock.network',
          });
        });
      } finally {
        process.env.PATH = before;
        rmSync(programs, { recursive: true });
      }
    },
    START,
  );

  it(
    'of an update that failed, as the process of the update wrote it down',
    async () => {
      await withScreen([{ source: 'phantom' }, { camera: false }], async ({ running, client }) => {
        const progress = new UpdateProgress({ data: path.join(running.folder, 'data'), source: 'folder' });
        await progress.end(
          'failed',
          new SpikescopeError('UPDATE_UNTRUSTED', 'Nobody that is trusted has signed it'),
        );
        await says(client, 'update', {
          severity: 'warning',
          message: 'update.failed',
          remedy: 'remedy.update.retry',
          code: 'UPDATE_UNTRUSTED',
        });
      });
    },
    START,
  );

  it(
    'of a journal that can no longer be written, as its last word',
    async () => {
      await withScreen([{ source: 'phantom' }, { camera: false }], async ({ running, client }) => {
        const { appliance, parts } = running.device;
        vi.spyOn(parts.journal, 'append').mockImplementation(() => {
          throw new SpikescopeError('JOURNAL_IO', 'The journal cannot be written');
        });
        const last = client.states(({ ending }) => ending !== null);
        await listenedBy(running, 1);
        await appliance.capture().catch(() => {});
        expect((await last).at(-1)?.ending).toEqual({
          code: 'JOURNAL_IO',
          message: 'fault.storage',
          remedy: 'remedy.storage.service',
        });
      });
    },
    START,
  );
});

describe.skipIf(!canMount())('a real appliance on a disk of its own tells its screens', () => {
  async function onDisk(size: string, use: (started: Started) => Promise<void>): Promise<void> {
    const data = mkdtempSync(path.join(tmpdir(), 'screen-disk-'));
    const unmount = mountSmallDisk(data, size);
    try {
      await withScreen(
        [
          { source: 'phantom', data },
          { camera: false, data },
        ],
        use,
      );
    } finally {
      unmount();
      rmSync(data, { recursive: true, force: true });
    }
  }

  it(
    'that it is nearly full',
    async () => {
      await onDisk('100m', async ({ client }) => {
        await says(client, 'storage', {
          severity: 'warning',
          message: 'storage.low',
          remedy: 'remedy.storage.free',
        });
      });
    },
    START,
  );
});
