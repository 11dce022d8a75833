/** Somebody hostile on the device itself, who asks and connects without end: the display goes on, another one comes in. */
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Browser } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { HostilePeer } from '../../../src/bench/screen/hostile-peer.ts';
import { replySchema } from '../../../src/ui/web/contract.ts';
import { DISPLAY_COOKIE } from '../../../src/ui/web/server/clients.ts';
import { PATHS } from '../../../src/ui/web/words.ts';
import { compiled } from '../../support/compiled.ts';
import { listenedBy, type RunningScreen, ScreenClient, startScreen } from '../../support/screen.ts';
import { hasChromium, openBrowser } from '../page/support/browser.ts';

const START = 120_000;

let running: RunningScreen;
let client: ScreenClient;
let isHeld = false;

beforeAll(async () => {
  compiled('bench/screen/hostile-program.js');
  running = await startScreen();
  client = await ScreenClient.open(running.screen.url, `${DISPLAY_COOKIE}=${running.screen.displaySecret}`);
  await client.states(({ viewfinder }) => viewfinder.state === 'live');
}, START);
afterEach(() => {
  isHeld = false;
});
afterAll(() => running?.close(), START);

/** A connection that is opened again whenever it is cut, and says the same each time. */
async function hold(words: string): Promise<void> {
  const { port } = new URL(running.screen.url);
  const socket: Socket = connect(Number(port), '127.0.0.1').on('error', () => {});
  await once(socket, 'connect');
  socket.write(words);
  socket.resume().once('close', () => {
    // Refused where the server has closed meanwhile.
    if (isHeld) setTimeout(() => hold(words).catch(() => {}), 20);
  });
}

async function holdAll(): Promise<void> {
  isHeld = true;
  const { host } = new URL(running.screen.url);
  // Nothing, a request without an end, and one that is answered and leaves its connection open.
  const ways = [
    '',
    `GET / HTTP/1.1\r\nHost: ${host}\r\nX-Slow: `,
    `GET ${PATHS.start} HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
  ];
  await Promise.all(Array.from({ length: 60 }, (_, i) => hold(ways[i % ways.length])));
}

async function takePicture(browser: Browser): Promise<void> {
  const page = await browser.newPage();
  page.setDefaultTimeout(START);
  await page.goto(running.screen.url);
  await page.getByRole('button', { name: 'Take picture' }).click();
  await page.locator('.triage-word').waitFor();
  await page.close();
  undo();
}

async function capture(): Promise<void> {
  const reply = replySchema.parse((await client.command({ command: 'capture' })).json());
  expect(reply).toMatchObject({ outcome: 'done', data: { accepted: true } });
}

function undo(): void {
  running.device.appliance.flow.press('undo');
}

describe('a local program that holds all connections', () => {
  it.skipIf(!hasChromium)(
    'does not keep a display out that comes later',
    async () => {
      await holdAll();
      const browser = await openBrowser();
      try {
        await takePicture(browser);
      } finally {
        await browser.close();
      }
    },
    START,
  );

  it(
    'does not take away the one that a display listens by',
    async () => {
      // Nobody from before may be taken for the one that is to listen.
      await listenedBy(running, 0);
      const heard = client.states(({ flow }) => flow.state === 'awaitingConfirmation');
      await listenedBy(running, 1);
      await holdAll();
      await capture();
      // What is undone within the pause between two states is said to nobody.
      expect((await heard).at(-1)?.reading?.accepted).toBe(true);
      undo();
    },
    START,
  );
});

describe('a local program that asks without end', () => {
  it.skipIf(!hasChromium)(
    'is refused each time, while a display comes in and takes pictures',
    async () => {
      const peer = new HostilePeer(running.screen.url);
      const browser = await openBrowser();
      try {
        peer.go();
        for (let i = 0; i < 2; i++) await takePicture(browser);
        const { sent, answers } = await peer.pause();
        expect(sent).toBeGreaterThan(100);
        expect(answers).toMatchObject({ SCREEN_BUSY: expect.any(Number) });
        expect(Object.keys(answers).filter((word) => !/^SCREEN_|^no token$/.test(word))).toEqual([]);
      } finally {
        await browser.close();
        await peer.end();
      }
    },
    3 * START,
  );

  it(
    'for the PIN, with the cookie of the page, has five attempts and is told to wait, while captures go on',
    async () => {
      const unlock = async (pin: string) => {
        const reply = replySchema.parse((await client.command({ command: 'unlock', pin })).json());
        return reply.outcome === 'done' ? 'done' : reply.code;
      };
      expect(await unlock('4711')).toBe('done');
      await client.command({ command: 'lock' });
      const tried: string[] = [];
      for (let pin = 1000; pin < 1012; pin++) {
        tried.push(await unlock(String(pin)));
        await capture();
        undo();
      }
      const [wrong, waiting] = [Array(5).fill('SCREEN_PIN_WRONG'), Array(7).fill('SCREEN_BUSY')];
      expect(tried).toEqual([...wrong, ...waiting]);
      expect(await unlock('4711')).toBe('SCREEN_BUSY');
      expect((await client.state()).settings.waitUntil).not.toBeNull();
    },
    START,
  );
});
