import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hostileRequest } from '../../../src/bench/screen/hostile-requests.ts';
import {
  historySchema,
  type PatientContext,
  replySchema,
  type ScreenState,
  saliencySchema,
} from '../../../src/ui/web/contract.ts';
import { DISPLAY_COOKIE } from '../../../src/ui/web/server/clients.ts';
import { FRAME_HEADERS, PARTS, PATHS, TOKEN_HEADER } from '../../../src/ui/web/words.ts';
import {
  type Answer,
  ask,
  listenedBy,
  type RunningScreen,
  ScreenClient,
  startScreen,
} from '../../support/screen.ts';

/** Requests of somebody hostile; the full number is for the night. */
const HOSTILE = Number(process.env.SPIKESCOPE_SCREEN_REQUESTS ?? 300);
/** Captures after which nothing may have grown. */
const CAPTURES = Number(process.env.SPIKESCOPE_SCREEN_CAPTURES ?? 30);
/** Milliseconds: the camera's program, a Node of its own, has to start. */
const START = 120_000;

let running: RunningScreen;
let client: ScreenClient;

beforeAll(async () => {
  running = await startScreen({ patientContext: true, resultSchema: 3, log: 'text' });
  client = await ScreenClient.open(running.screen.url, await cookieOf(running));
  await client.states(({ viewfinder }) => viewfinder.state === 'live');
}, START);
afterAll(() => running?.close(), START);

/** Of memory that the program can reach, in the heap and beside it. */
function bytesHeld(): number {
  setFlagsFromString('--expose-gc');
  const collect: unknown = runInNewContext('gc');
  if (typeof collect === 'function') collect();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

/** As the page's document sets it. It is taken from the server's own answer where the page is built. */
async function cookieOf({ screen }: RunningScreen): Promise<string> {
  const { headers } = await ask(screen.url);
  const [set] = headers['set-cookie'] ?? [];
  return set?.split(';')[0] ?? `${DISPLAY_COOKIE}=${screen.displaySecret}`;
}

const replyOf = (answer: Answer) => replySchema.parse(answer.json());

/** A command that is done, with what it answers. */
async function done(command: object): Promise<Record<string, unknown>> {
  const reply = replyOf(await client.command(command));
  if (reply.outcome !== 'done') throw new Error(`${JSON.stringify(command)}: ${reply.code}`);
  return reply.data ?? {};
}

async function capture(): Promise<ScreenState & { reading: NonNullable<ScreenState['reading']> }> {
  await done({ command: 'capture' });
  const state = await client.state();
  if (state.reading === null) throw new Error('nothing was read');
  return { ...state, reading: state.reading };
}

const NOBODY: PatientContext = { encounter: null, subject: null, bodySite: null };

describe('a press', () => {
  it('becomes a reading on every screen, with triage, figures and the frame that was read', async () => {
    await listenedBy(running, 0);
    const listening = client.states(({ flow }) => flow.state === 'awaitingConfirmation');
    await listenedBy(running, 1);
    const { reading, model, flow } = await capture();
    const states = await listening;
    expect(states[0].flow.state).toBe('idle');
    expect(states.at(-1)?.reading?.result).toBe(reading.result);
    expect(reading).toMatchObject({ accepted: true, hasFrozenFrame: true, hasSaliency: true });
    expect(['refer', 'routine', 'indeterminate']).toContain(reading.triage);
    expect(reading.probabilities.reduce((sum, { probability }) => sum + probability, 0)).toBeCloseTo(1, 3);
    expect(model.triage?.sensitivity.value).toBeGreaterThan(0.5);
    expect(flow.proposed).not.toBeNull();

    const frozen = await client.get(PATHS.frozen);
    expect(frozen.headers[FRAME_HEADERS.result]).toBe(reading.result);
    expect((await sharp(frozen.body).metadata()).width).toBe(600);
    const overlay = saliencySchema.parse((await client.get(PATHS.saliency)).json());
    expect(overlay).toMatchObject({ result: reading.result, width: 600, height: 450 });
    expect(Math.max(...overlay.values)).toBe(1);
    await done({ command: 'dismiss' });
  });

  it('while nothing can be captured is refused, and one of another reading too', async () => {
    const { reading } = await capture();
    const other = crypto.randomUUID();
    expect(replyOf(await client.command({ command: 'confirm', result: other }))).toMatchObject({
      code: 'SCREEN_READING_GONE',
    });
    expect(replyOf(await client.command({ command: 'undo' }))).toMatchObject({ code: 'SCREEN_NOT_NOW' });
    const strange = { command: 'correct', result: reading.result, label: 'nonsense' };
    expect(replyOf(await client.command(strange))).toMatchObject({ code: 'LABEL_INVALID' });
    await done({ command: 'dismiss' });
    const late = { command: 'confirm', result: reading.result };
    expect(replyOf(await client.command(late))).toMatchObject({ code: 'SCREEN_NOT_NOW' });
  });
});

describe('teaching', () => {
  it('confirms, says what that has changed, and takes it back at the second press', async () => {
    const { reading } = await capture();
    await done({ command: 'confirm', result: reading.result });
    const { learning } = await client.state();
    expect(learning.last).toMatchObject({ result: reading.result });
    expect(['kept', 'refused']).toContain(learning.last?.outcome);
    expect(learning.last?.figures?.factory.balancedAccuracy).toBeGreaterThan(0);
    expect(await done({ command: 'undo' })).toMatchObject({ asks: true });
    expect((await client.state()).flow.state).toBe('confirmingUndo');
    expect(await done({ command: 'undo' })).toMatchObject({ asks: false, undone: true });
    expect((await client.state()).learning.last).toMatchObject({ outcome: 'undone' });
  });

  it('offers labels by their probability, one after the other, as the button does', async () => {
    const { reading, flow } = await capture();
    const offered = [flow.proposed];
    for (let i = 1; i < reading.probabilities.length; i++) {
      await done({ command: 'next-label', result: reading.result });
      offered.push((await client.state()).flow.proposed);
    }
    expect(offered).toEqual(reading.probabilities.map(({ code }) => code));
    const other = { command: 'next-label', result: crypto.randomUUID() };
    expect(replyOf(await client.command(other))).toMatchObject({ code: 'SCREEN_READING_GONE' });
    await done({ command: 'dismiss' });
    const late = { command: 'next-label', result: reading.result };
    expect(replyOf(await client.command(late))).toMatchObject({ code: 'SCREEN_NOT_NOW' });
  });

  it('adds a class, with how bad it is', async () => {
    const { reading } = await capture();
    await done({ command: 'add-class', result: reading.result, label: 'wart', risk: 'benign' });
    const { learning, classes } = await client.state();
    if (learning.last?.outcome === 'kept') {
      expect(classes.at(-1)).toMatchObject({ code: 'wart', added: true, risk: 'benign' });
    } else expect(learning.last?.reason).not.toBeNull();
  });
});

describe('the viewfinder', () => {
  it('gives frames one after the other, newer each time', async () => {
    let after = 0;
    for (let frames = 0; frames < 4; ) {
      const { status, headers, json } = await client.get(`${PATHS.frame}?after=${after}`);
      expect(headers['cache-control']).toBe('no-store');
      // A machine that is busy elsewhere may give the camera no time for half a second.
      if (status !== 200) {
        expect([status, json()]).toMatchObject([503, { code: 'FRAME_STALE' }]);
        continue;
      }
      const id = Number(headers[FRAME_HEADERS.id]);
      expect(id).toBeGreaterThan(after);
      expect(Number(headers[FRAME_HEADERS.age])).toBeLessThanOrEqual(600);
      after = id;
      frames++;
    }
  });
});

describe('of whom a reading is', () => {
  it('stands in its result and its history, and ends with the patient', async () => {
    const context = { encounter: 'E-2026/17', subject: null, bodySite: 'upper-back' };
    await done({ command: 'set-context', context });
    const { reading } = await capture();
    const payload = JSON.parse(running.device.parts.journal.payloadOf(reading.result) ?? '{}');
    expect(payload).toMatchObject({
      schema: 'spikescope/result/3',
      patient: { encounter: 'E-2026/17', bodySite: '77568009' },
    });
    const found = historySchema.parse((await client.get(`${PATHS.history}?find=E-2026`)).json());
    expect(found.entries.map(({ result }) => result)).toEqual([reading.result]);
    expect(found.entries[0].context).toEqual(context);
    const before = found.entries[0].session;
    await done({ command: 'next-patient' });
    const { context: after, reading: none } = await client.state();
    expect([after.current, none]).toEqual([null, null]);
    expect((await client.get(PATHS.frozen)).status).toBe(404);
    const next = await capture();
    const [newest] = historySchema.parse((await client.get(`${PATHS.history}?limit=1`)).json()).entries;
    expect(newest).toMatchObject({ result: next.reading.result, context: null });
    expect(newest.session).not.toBe(before);
  });

  it('is no name', async () => {
    const context = { ...NOBODY, encounter: 'Anna Schmidt' };
    expect(replyOf(await client.command({ command: 'set-context', context }))).toMatchObject({
      code: 'SCREEN_MALFORMED',
    });
  });

  it('is in no log and no health report', async () => {
    await done({ command: 'set-context', context: { ...NOBODY, subject: 'P-4711' } });
    await capture();
    await done({ command: 'clear-context' });
    expect(running.said.join('\n')).not.toMatch(/P-4711|E-2026/);
  });
});

describe('the history', () => {
  it('comes in pages, newest first, each reading once, with what became of it', async () => {
    const all = historySchema.parse((await client.get(`${PATHS.history}?limit=100`)).json());
    const paged: string[] = [];
    for (let next: number | null = 0; next !== null; ) {
      const page = historySchema.parse((await client.get(`${PATHS.history}?limit=2&before=${next}`)).json());
      paged.push(...page.entries.map(({ result }) => result));
      next = page.next;
    }
    expect(paged).toEqual(all.entries.map(({ result }) => result));
    expect(new Set(paged).size).toBe(paged.length);
    const sequences = all.entries.map(({ sequence }) => sequence);
    expect(sequences).toEqual([...sequences].sort((a, b) => b - a));
    expect(all.entries.some(({ verdict }) => verdict?.verdict === 'withdrawn')).toBe(true);
    expect(all.entries.at(-1)?.outbox).toBe('sent');
  });

  it('refuses a question that is none', async () => {
    expect((await client.get(`${PATHS.history}?limit=0`)).status).toBe(400);
  });
});

describe('the status', () => {
  it('has a line for each part, in order', async () => {
    const { status } = await client.state();
    expect(status.map(({ part }) => part)).toEqual([...PARTS]);
    expect(status.find(({ part }) => part === 'camera')).toMatchObject({
      severity: 'ok',
      message: 'camera.ok',
    });
    expect(status.find(({ part }) => part === 'broker')).toMatchObject({ message: 'broker.embedded' });
  });
});

describe('somebody else', () => {
  const origin = () => new URL(running.screen.url).origin;

  it('without the cookie of the page has nothing, and with it and no token no command', async () => {
    for (const place of [
      PATHS.state,
      PATHS.events,
      PATHS.frame,
      PATHS.frozen,
      PATHS.saliency,
      PATHS.history,
    ]) {
      const answer = await ask(`${origin()}${place}`);
      expect([answer.status, answer.json()]).toEqual([401, { outcome: 'refused', code: 'SCREEN_UNPAIRED' }]);
    }
    const wrong = await client.command({ command: 'capture' }, { [TOKEN_HEADER]: 'x'.repeat(32) });
    expect([wrong.status, replyOf(wrong)]).toMatchObject([403, { code: 'SCREEN_TOKEN' }]);
  });

  it('of another origin or by another name is refused, whatever it has', async () => {
    const foreign = await client.command({ command: 'capture' }, { origin: 'http://evil.example' });
    expect(replyOf(foreign)).toMatchObject({ code: 'SCREEN_ORIGIN' });
    const rebound = await client.command(
      { command: 'capture' },
      { host: `evil.example:${new URL(origin()).port}` },
    );
    expect([rebound.status, replyOf(rebound)]).toMatchObject([421, { code: 'SCREEN_HOST' }]);
    const form = await client.command('command=capture', { 'content-type': 'text/plain' });
    expect(replyOf(form)).toMatchObject({ code: 'SCREEN_CONTENT_TYPE' });
  });

  it('may frame nothing, and run nothing of its own', async () => {
    const { headers } = await client.get(PATHS.state);
    expect(headers['x-frame-options']).toBe('DENY');
    expect(headers['content-security-policy']).toMatch(/default-src 'none'.*frame-ancestors 'none'/);
    expect(headers['cross-origin-resource-policy']).toBe('same-origin');
  });

  it.each([
    ['too large', 'x'.repeat(5000), 413, 'SCREEN_TOO_LARGE'],
    ['no JSON', '{', 400, 'SCREEN_MALFORMED'],
    ['no command', '{"command":"format"}', 400, 'SCREEN_MALFORMED'],
    ['more than a command', '{"command":"capture","as":"root"}', 400, 'SCREEN_MALFORMED'],
  ])('sends what is %s, and is told so', async (_, body, status, code) => {
    const answer = await client.command(body);
    expect([answer.status, replyOf(answer)]).toEqual([status, { outcome: 'refused', code }]);
  });

  it('sends more commands than a person presses, and is told to wait', async () => {
    const many = Array.from({ length: 40 }, () => client.commandOnce('{'));
    const statuses = (await Promise.all(many)).map(({ status }) => status);
    expect(statuses).toContain(429);
    expect(statuses.filter((status) => status !== 429 && status !== 400)).toEqual([]);
    expect((await client.command('{')).status).toBe(400);
  });

  it(
    `gets ${HOSTILE} times nothing but refusals, while captures go on`,
    async () => {
      const hostile = (number: number): Promise<Answer> => {
        const { path: place, body, ...request } = hostileRequest(number);
        return ask(`${origin()}${place}`, { ...request, ...(body !== null && { body }) });
      };
      let isOver = false;
      const capturing = (async () => {
        let captured = 0;
        for (; !isOver; captured++) {
          expect((await capture()).reading.accepted).toBe(true);
          await done({ command: 'dismiss' });
        }
        return captured;
      })();
      const codes = new Set<string>();
      for (let i = 0; i < HOSTILE; i += 10) {
        const answers = await Promise.all(Array.from({ length: 10 }, (_, j) => hostile(i + j)));
        for (const answer of answers) {
          if (answer.status === 200) expect(answer.json()).toMatchObject({ token: '', pairing: true });
          else codes.add(String((answer.json() as { code: string }).code));
        }
      }
      expect([...codes].filter((code) => !code.startsWith('SCREEN_'))).toEqual([]);
      isOver = true;
      expect(await capturing).toBeGreaterThan(HOSTILE / 1000);
      expect((await client.state()).settings.waitUntil).toBeNull();
    },
    START + HOSTILE * 50,
  );
});

describe('the settings', () => {
  it('are behind a PIN', async () => {
    const german = { command: 'set', setting: { name: 'language', value: 'de' } };
    expect(replyOf(await client.command(german))).toMatchObject({ code: 'SCREEN_LOCKED' });
    await done({ command: 'unlock', pin: '4711' });
    await done(german);
    expect((await client.state()).display.language).toBe('de');
    await done({ command: 'lock' });
    expect(replyOf(await client.command({ command: 'unlock', pin: '1234' }))).toMatchObject({
      code: 'SCREEN_PIN_WRONG',
    });
  });
});

describe('after all that', () => {
  it(
    `and ${CAPTURES} captures more, nobody is listened to who has left, one frame is held, and nothing has grown`,
    async () => {
      const { appliance } = running.device;
      const taken = async (count: number): Promise<number> => {
        for (let i = 0; i < count; i++) {
          await appliance.capture();
          appliance.flow.press('undo');
          await client.get(PATHS.frozen);
        }
        return bytesHeld();
      };
      const [first, second] = [await taken(CAPTURES / 2), await taken(CAPTURES / 2)];
      // Sixteen frames of the camera: far less than one for each capture.
      expect(second - first).toBeLessThan(16 * 640 * 450 * 1.5);
      expect(running.screen.listeners).toBe(0);
      const { reading } = await client.state();
      expect((await client.get(PATHS.frozen)).headers[FRAME_HEADERS.result]).toBe(reading?.result);
    },
    START + CAPTURES * 2_000,
  );

  it('no pixel is in any file but the camera’s own', () => {
    const data = path.join(running.folder, 'data');
    const files = readdirSync(data, { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(data, name))
      .filter((file) => statSync(file).isFile());
    expect(files.length).toBeGreaterThan(2);
    const camera = readFileSync(path.join(running.folder, 'frames.yuv'));
    for (const file of files) {
      const bytes = readFileSync(file);
      // No JPEG begins in it, and no run of a row of the frames lies in it.
      expect(bytes.includes(Buffer.from([0xff, 0xd8, 0xff])), file).toBe(false);
      for (let row = 0; row < 450; row += 15) {
        expect(bytes.includes(camera.subarray(row * 640 + 100, row * 640 + 164)), file).toBe(false);
      }
    }
    expect(running.said.join('')).not.toMatch(/\xff\xd8|data:image|;base64,/);
  });
});
