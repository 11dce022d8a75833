/** The screen on the clinic's network: with TLS, for paired devices, and without a pixel. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import https from 'node:https';
import net from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { replySchema, stateSchema } from '../../../src/ui/web/contract.ts';
import { DISPLAY_COOKIE, PAIRED_COOKIE } from '../../../src/ui/web/server/clients.ts';
import { PATHS, TOKEN_HEADER } from '../../../src/ui/web/words.ts';
import { CertificateFolder, hasOpenssl } from '../../support/certificates.ts';
import { type RunningScreen, ScreenClient, startScreen } from '../../support/screen.ts';

const START = 120_000;
const PORT = 18_646;

interface Said {
  readonly status: number;
  readonly headers: IncomingMessage['headers'];
  readonly document: unknown;
}

describe.skipIf(!hasOpenssl())('on the network', () => {
  let folder: string;
  let running: RunningScreen;
  let authority: Buffer;
  let display: ScreenClient;

  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'screen-network-'));
    const certificates = new CertificateFolder(folder);
    certificates.authority('clinic');
    certificates.signed('localhost', 'clinic');
    authority = readFileSync(certificates.file('clinic.crt'));
    const network = {
      ...{ port: PORT, address: '127.0.0.1', hosts: ['localhost'] },
      cert: certificates.file('localhost.crt'),
      key: certificates.file('localhost.key'),
    };
    running = await startScreen({ allowCommands: ['capture'] }, { network, camera: false });
    display = await ScreenClient.open(
      running.screen.url,
      `${DISPLAY_COOKIE}=${running.screen.displaySecret}`,
    );
  }, START);
  afterAll(async () => {
    await running?.close();
    rmSync(folder, { recursive: true, force: true });
  }, START);

  async function say(
    place: string,
    sent: { cookie?: string; body?: unknown; token?: string; from?: https.RequestOptions } = {},
  ): Promise<Said> {
    const { cookie, body, token, from = { agent: false } } = sent;
    const request = https.request(`https://localhost:${PORT}${place}`, {
      ...{ ca: authority, ...from, method: body === undefined ? 'GET' : 'POST' },
      headers: {
        ...(cookie !== undefined && { cookie }),
        ...(token !== undefined && { [TOKEN_HEADER]: token }),
        ...(body !== undefined && {
          'content-type': 'application/json',
          origin: `https://localhost:${PORT}`,
        }),
      },
    });
    request.end(body === undefined ? undefined : JSON.stringify(body));
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    let text = '';
    for await (const piece of response) text += String(piece);
    return { status: response.statusCode ?? 0, headers: response.headers, document: JSON.parse(text) };
  }

  /** The cookie of a device that was paired in a role. */
  async function paired(role: 'clinician' | 'observer'): Promise<string> {
    await display.command({ command: 'unlock', pin: '4711' });
    const { data } = (await display.command({ command: 'pair', role })).json() as { data: { code: string } };
    const { headers } = await say(PATHS.pair, { body: { code: data.code } });
    const [set] = headers['set-cookie'] ?? [];
    expect(set).toMatch(/^__Host-.*; Path=\/; HttpOnly; SameSite=Strict; Secure/);
    return set.split(';')[0];
  }

  it('a device without a token is told nothing but how to be paired', async () => {
    expect((await say(PATHS.start)).document).toMatchObject({ pairing: true, token: '' });
    for (const place of [PATHS.state, PATHS.frame, PATHS.history]) {
      expect(await say(place)).toMatchObject({ status: 401, document: { code: 'SCREEN_UNPAIRED' } });
    }
    const stolen = `${DISPLAY_COOKIE}=${running.screen.displaySecret}`;
    expect((await say(PATHS.state, { cookie: stolen })).status).toBe(401);
    expect((await say(PATHS.pair, { body: { code: '00000000' } })).document).toMatchObject({
      code: 'SCREEN_CODE_WRONG',
    });
  });

  it('a clinician captures where the configuration allows that from afar, and sees no pixel and no settings', async () => {
    const cookie = await paired('clinician');
    const { token } = (await say(PATHS.start, { cookie })).document as { token: string };
    const state = stateSchema.parse((await say(PATHS.state, { cookie })).document);
    expect(state.client).toEqual({
      role: 'clinician',
      rights: ['see', 'capture', 'teach', 'context', 'history'],
    });
    expect(state.settings.paired).toEqual([]);
    const captured = await say(PATHS.command, { cookie, token, body: { command: 'capture' } });
    expect(captured.document).toMatchObject({ outcome: 'done' });
    for (const place of [PATHS.frame, PATHS.frozen, PATHS.saliency]) {
      expect(await say(place, { cookie })).toMatchObject({
        status: 403,
        document: { code: 'SCREEN_DENIED' },
      });
    }
    const result = (captured.document as { data: { result: string } }).data.result;
    for (const body of [
      { command: 'confirm', result },
      { command: 'unlock', pin: '4711' },
    ]) {
      expect((await say(PATHS.command, { cookie, token, body })).document).toMatchObject({
        code: 'SCREEN_DENIED',
      });
    }
    expect((await say(PATHS.history, { cookie })).status).toBe(200);
  });

  it('an observer sees, and does nothing', async () => {
    const cookie = await paired('observer');
    const { token } = (await say(PATHS.start, { cookie })).document as { token: string };
    const body = { command: 'capture' };
    expect((await say(PATHS.command, { cookie, token, body })).document).toMatchObject({
      code: 'SCREEN_DENIED',
    });
    expect((await say(PATHS.history, { cookie })).status).toBe(403);
    expect((await say(PATHS.state, { cookie })).status).toBe(200);
    const { settings } = await display.state();
    for (const { id } of settings.paired) await display.command({ command: 'unpair', id });
    expect((await say(PATHS.state, { cookie })).status).toBe(401);
  });

  /** Another address of this machine, whose budgets are its own. */
  const ATTACKER = '127.0.0.2';

  async function stillWorks(): Promise<void> {
    expect((await say(PATHS.start)).document).toMatchObject({ pairing: true });
    expect(replySchema.parse((await display.command({ command: 'capture' })).json()).outcome).toBe('done');
    running.device.appliance.flow.press('undo');
  }

  /** Until all have come to nothing, or are held. */
  function opened(count: number, words: Buffer): Promise<net.Socket[]> {
    return Promise.all(
      Array.from({ length: count }, async () => {
        const socket = net.connect({ port: PORT, host: '127.0.0.1', localAddress: ATTACKER });
        socket.on('error', () => {});
        await once(socket, 'connect');
        socket.resume().write(words);
        return socket;
      }),
    );
  }

  it(
    'handshakes that are begun and not ended keep nobody out, and are cut',
    async () => {
      // A record of TLS that announces a greeting, and not all of it.
      const begun = Buffer.from([22, 3, 1, 2, 0, 1, 0, 1, 0xfc, 3, 3]);
      const began = performance.now();
      const sockets = await opened(200, begun);
      const cut = sockets.map(
        (socket) => socket.closed || new Promise((resolve) => socket.once('close', resolve)),
      );
      await stillWorks();
      await Promise.all(cut);
      // Node itself would wait for two minutes.
      expect(performance.now() - began).toBeLessThan(60_000);
    },
    START,
  );

  it(
    'more handshakes than a browser makes are refused before a key is worked out',
    async () => {
      const began = performance.now();
      let asked = began;
      const ended = await Promise.all(
        Array.from({ length: 300 }, () => {
          const options = { port: PORT, host: '127.0.0.1', localAddress: ATTACKER, ca: authority };
          const socket = tls.connect({ ...options, servername: 'localhost' });
          return new Promise<boolean>((resolve) => {
            socket.on('connect', () => {
              asked = performance.now();
            });
            socket.on('secureConnect', () => resolve(true));
            socket.on('error', () => resolve(false));
            socket.on('close', () => resolve(false));
          }).finally(() => socket.destroy());
        }),
      );
      const made = ended.filter(Boolean).length;
      expect(made).toBeGreaterThan(0);
      expect(made).toBeLessThanOrEqual(40 + (10 * (asked - began)) / 1000);
      await stillWorks();
    },
    START,
  );

  it(
    'codes and secrets that are guessed are refused, few of them are looked at, and who was shown the code is paired',
    async () => {
      await display.command({ command: 'unlock', pin: '4711' });
      const { data } = (await display.command({ command: 'pair', role: 'observer' })).json() as {
        data: { code: string };
      };
      const agent = new https.Agent({ keepAlive: true, maxSockets: 8 });
      const from = { agent, localAddress: ATTACKER };
      const began = performance.now();
      const guess = async (number: number): Promise<string> => {
        const secret = `${PAIRED_COOKIE}=${String(number).padStart(43, 'A')}`;
        const code = String((Number(data.code) + 1 + number) % 10 ** 8).padStart(8, '0');
        const guessed =
          number % 2 === 0
            ? say(PATHS.pair, { from, body: { code } })
            : say(PATHS.state, { from, cookie: secret });
        // Cut, where connections are too many.
        return guessed.then(
          ({ status, document }) => `${status} ${(document as { code: string }).code}`,
          () => 'cut',
        );
      };
      const answers = await Promise.all(Array.from({ length: 300 }, (_, i) => guess(i)));
      agent.destroy();
      const seconds = (performance.now() - began) / 1000;
      const looked = answers.filter((answer) => answer !== '429 SCREEN_BUSY' && answer !== 'cut');
      expect(new Set(looked)).toEqual(new Set(['403 SCREEN_CODE_WRONG', '401 SCREEN_UNPAIRED']));
      expect(looked.length).toBeLessThanOrEqual(60 + 20 * seconds);
      const { headers } = await say(PATHS.pair, { body: { code: data.code } });
      expect(headers['set-cookie']?.[0]).toContain(PAIRED_COOKIE);
      await stillWorks();
    },
    START,
  );
});
