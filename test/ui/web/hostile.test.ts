/** Somebody hostile beside a real appliance: another site in a real browser, and connections that say nothing. */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, connect, createServer as createRelay, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DISPLAY_COOKIE } from '../../../src/ui/web/server/clients.ts';
import { PATHS, TOKEN_HEADER } from '../../../src/ui/web/words.ts';
import { type RunningScreen, ScreenClient, startScreen } from '../../support/screen.ts';
import { hasChromium, openBrowser } from '../page/support/browser.ts';

const START = 120_000;

let running: RunningScreen;
let client: ScreenClient;

beforeAll(async () => {
  running = await startScreen({ source: 'phantom' }, { camera: false });
  const { url, displaySecret } = running.screen;
  client = await ScreenClient.open(url, `${DISPLAY_COOKIE}=${displaySecret}`);
}, START);
afterAll(() => running?.close(), START);

/** All that a page may try on another site; what it could read, or null where the browser gave it nothing. */
const ATTACK = `async (target) => {
  const tried = async (what) => {
    try { return await what(); } catch { return null; }
  };
  const read = (path, options) => tried(async () => (await fetch(target + path, options)).text());
  const body = JSON.stringify({ command: 'capture' });
  const loaded = (element, source) => new Promise((resolve) => {
    element.onload = () => resolve(element.contentDocument ?? null);
    element.onerror = () => resolve(null);
    element.src = target + source;
    document.body.append(element);
    setTimeout(() => resolve(null), 2000);
  });
  const stream = new EventSource(target + '${PATHS.events}', { withCredentials: true });
  const heard = new Promise((resolve) => {
    stream.addEventListener('state', ({ data }) => resolve(data));
    stream.onerror = () => resolve(null);
  });
  return {
    state: await read('${PATHS.state}', { credentials: 'include' }),
    start: await read('${PATHS.start}', { credentials: 'include' }),
    json: await read('${PATHS.command}', {
      method: 'POST', body, credentials: 'include', headers: { 'content-type': 'application/json' },
    }),
    blind: (await read('${PATHS.command}', { method: 'POST', body, mode: 'no-cors', credentials: 'include' })) || null,
    frame: await loaded(document.createElement('img'), '${PATHS.frozen}'),
    framed: await loaded(document.createElement('iframe'), '/'),
    stream: await heard,
  };
}`;

describe.skipIf(!hasChromium)(
  'a page from another origin, in a browser that shows the device’s page too',
  () => {
    let site: Server;
    beforeAll(async () => {
      site = createServer((_, response) =>
        response.writeHead(200, { 'content-type': 'text/html' }).end('<!doctype html><body>evil'),
      ).listen(0, '127.0.0.1');
      await once(site, 'listening');
    });
    afterAll(() => {
      site?.closeAllConnections();
      site?.close();
    });

    // localhost is another site than 127.0.0.1, and 127.0.0.1 at another port the same site of another origin.
    it.each(['localhost', '127.0.0.1'])(
      'at %s reads nothing, frames nothing and presses nothing',
      async (host) => {
        const browser = await openBrowser();
        try {
          const context = await browser.newContext();
          const own = await context.newPage();
          await own.goto(running.screen.url);
          await own.locator('nav').waitFor();
          const { captures } = running.device.appliance.tally;
          const evil = await context.newPage();
          await evil.goto(`http://${host}:${(site.address() as AddressInfo).port}/`);
          const target = new URL(running.screen.url).origin;
          const got = await evil.evaluate<Record<string, unknown>>(`(${ATTACK})(${JSON.stringify(target)})`);
          expect(Object.entries(got).filter(([, what]) => what !== null)).toEqual([]);
          expect(running.device.appliance.tally.captures).toBe(captures);
          expect((await client.state()).flow.state).toBe('idle');
        } finally {
          await browser.close();
        }
      },
      START,
    );
  },
);

/**
 * A name of somebody else's that leads to the device from one moment to the next: at another address of loopback and the
 * device's own port stands what answers with a page first, and passes all to the device from then on.
 */
async function rebindable(port: number) {
  let isBound = false;
  const site = createServer((_, response) =>
    response.writeHead(200, { 'content-type': 'text/html', connection: 'close' }).end('<!doctype html>evil'),
  ).listen(0, '127.0.0.1');
  await once(site, 'listening');
  const own = (site.address() as AddressInfo).port;
  const name = createRelay((socket) => {
    const there = connect(isBound ? port : own, '127.0.0.1');
    for (const [from, to] of [
      [socket, there],
      [there, socket],
    ]) {
      from.on('error', () => to.destroy());
      from.pipe(to);
    }
  }).listen(port, '127.0.0.2');
  await once(name, 'listening');
  return {
    rebind: () => {
      isBound = true;
    },
    close: () => {
      name.close();
      site.closeAllConnections();
      site.close();
    },
  };
}

describe.skipIf(!hasChromium)('a page whose name is bound to the device’s address', () => {
  it(
    'is told at each path that this is not the device’s name, and presses nothing',
    async () => {
      const { port } = new URL(running.screen.url);
      const site = await rebindable(Number(port));
      const browser = await openBrowser('--host-resolver-rules=MAP evil.example 127.0.0.2');
      try {
        const page = await browser.newPage();
        await page.goto(`http://evil.example:${port}/`);
        expect(await page.locator('body').innerText()).toBe('evil');
        site.rebind();
        const { captures } = running.device.appliance.tally;
        const asked = await page.evaluate<[string, number, string][]>(`(async () => {
          const answers = [];
          for (const path of ${JSON.stringify(['/', ...Object.values(PATHS)])})
            for (const method of ['GET', 'POST']) {
              const headers = { 'content-type': 'application/json', '${TOKEN_HEADER}': '${client.start.token}' };
              const body = method === 'POST' ? JSON.stringify({ command: 'capture' }) : undefined;
              const answer = await fetch(path, { method, headers, body });
              answers.push([method + ' ' + path, answer.status, await answer.text()]);
            }
          return answers;
        })()`);
        const refusal = JSON.stringify({ outcome: 'refused', code: 'SCREEN_HOST' });
        expect(asked.filter(([, status, text]) => status !== 421 || text !== refusal)).toEqual([]);
        expect(asked).toHaveLength(2 * (1 + Object.values(PATHS).length));
        expect(await page.context().cookies()).toEqual([]);
        expect(running.device.appliance.tally.captures).toBe(captures);
        expect((await page.goto(`http://evil.example:${port}/`))?.status()).toBe(421);
      } finally {
        await browser.close();
        site.close();
      }
    },
    START,
  );
});

describe('connections that say little', () => {
  const port = () => Number(new URL(running.screen.url).port);

  async function opened(count: number, words: string): Promise<Socket[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const socket = connect(port(), '127.0.0.1').on('error', () => {});
        await once(socket, 'connect');
        socket.write(words);
        return socket;
      }),
    );
  }

  it(
    'are cut, and whoever asks meanwhile is answered',
    async () => {
      const slow = await opened(30, `GET / HTTP/1.1\r\nHost: 127.0.0.1:${port()}\r\nX-Slow: `);
      const cut = slow.map((socket) => once(socket.resume(), 'close'));
      expect((await client.state()).flow.state).toBe('idle');
      const { reading } = await running.device.appliance.capture();
      expect(reading).not.toBeNull();
      running.device.appliance.flow.press('undo');
      await Promise.all(cut);
    },
    START,
  );

  it(
    'with headers beyond measure are refused',
    async () => {
      const [socket] = await opened(1, `GET / HTTP/1.1\r\nX-Long: ${'x'.repeat(9000)}\r\n\r\n`);
      let said = '';
      socket.on('data', (piece) => {
        said += String(piece);
      });
      await once(socket, 'close');
      expect(said).toMatch(/^HTTP\/1\.1 431 /);
      expect((await client.state()).flow.state).toBe('idle');
    },
    START,
  );

  it(
    'that are too many are let go, and later ones come through again',
    async () => {
      const many = await opened(80, '');
      for (const socket of many) socket.destroy();
      await expect
        .poll(() =>
          client.state().then(
            ({ flow }) => flow.state,
            () => null,
          ),
        )
        .toBe('idle');
    },
    START,
  );
});
