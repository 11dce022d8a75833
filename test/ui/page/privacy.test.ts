/**
 * A day of use at the screen of a real appliance: afterwards no piece of a picture lies in any file of the appliance or the
 * browser, in any message or log, and neither of them has reached for anything beyond loopback.
 * SPIKESCOPE_SCREEN_DAY says how many captures a day has; .ci/nightly makes 400.
 */
import { spawnSync } from 'node:child_process';
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import Database from 'better-sqlite3';
import type { Page } from 'playwright-core';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { rgbOfYuv } from '../../../src/preprocess/yuv-reference.ts';
import { chromiumPictures } from '../../support/chromium-pictures.ts';
import { compiled } from '../../support/compiled.ts';
import { canWatchConnections, isLoopback, peersIn, watched } from '../../support/connections.ts';
import { imagesIn } from '../../support/image-signs.ts';
import { hasMosquitto } from '../../support/mosquitto.ts';
import { Quotations } from '../../support/write-recorder/quotations.ts';
import { hasChromium } from './support/browser.ts';
import { Day } from './support/day-of-use.ts';
import { lookFor, markedFrames, servedOf, withAlpha } from './support/marked-frames.ts';

const CAPTURES = Number(process.env.SPIKESCOPE_SCREEN_DAY ?? 12);
/** Of what the camera sees, one after the other: each is read, none is to be taken again. */
const SEEDS = [1, 5, 15];
const INPUT_SIZE = 64;
/** A row of the network's input, the shortest of all, is found wherever it begins. */
const STEP = 144;
const LANGUAGES = ['Deutsch', 'Français', 'Español', 'Português', 'Kiswahili', 'हिन्दी', 'English'];
/** Grey levels on average by which two programs may draw one icon apart. */
const ICON_DIFFERENCE = 6;
const HOUR = 3_600_000;

const frames = markedFrames(SEEDS);
const pictures = new Quotations(STEP);

/** What is found of pictures in `bytes`: pieces of the frames, and images of any sort. */
function found(bytes: Buffer): string[] {
  return [...pictures.in(bytes), ...imagesIn(bytes)];
}

function filesBelow(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => path.join(parentPath, name));
}

function foundBelow(folder: string): string[] {
  return filesBelow(folder).flatMap((file) =>
    found(readFileSync(file)).map((what) => `${path.relative(folder, file)}: ${what}`),
  );
}

/** Files below a folder that were deleted while a process has them open: memory that a browser shares with itself. */
function deletedBelow(folder: string): { name: string; bytes: Buffer }[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return readdirSync(`/proc/${pid}/fd`).flatMap((descriptor) => {
          const place = `/proc/${pid}/fd/${descriptor}`;
          const name = readlinkSync(place);
          if (!name.startsWith(folder) || !name.endsWith('(deleted)')) return [];
          return [{ name, bytes: readFileSync(place) }];
        });
      } catch {
        return []; // Ended meanwhile.
      }
    });
}

/** But for the page's icon, and for pictures that the browser's own pages have. */
async function foundInDeleted(folder: string): Promise<string[]> {
  const isBrowsers = chromiumPictures();
  const all: string[] = [];
  for (const { name, bytes } of deletedBelow(folder)) {
    let others = 0;
    for (const png of pngsIn(bytes)) if (!isBrowsers(png) && !(await isIcon(png))) others++;
    const what = found(bytes).filter((each) => each !== 'PNG' || others > 0);
    all.push(...what.map((each) => `${name}: ${each}`));
  }
  return all;
}

beforeAll(async () => {
  for (const [i, frame] of frames.entries())
    await lookFor(pictures, `picture ${SEEDS[i]}`, frame, INPUT_SIZE);
});

const FAVICONS = path.join('profile', 'Default', 'Favicons');
const PNG = '\x89PNG\r\n';
const ICON = readFileSync(compiled('ui/web/page/icon.svg'));

/** Whether a PNG shows the page's own icon; what cannot be read does not. */
async function isIcon(png: Buffer): Promise<boolean> {
  try {
    const { data, info } = await sharp(png).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
    const drawn = await sharp(ICON).resize(info.width, info.height).ensureAlpha().raw().toBuffer();
    const difference = data.reduce((sum, value, at) => sum + Math.abs(value - drawn[at]), 0) / data.length;
    return difference < ICON_DIFFERENCE;
  } catch {
    return false;
  }
}

/** From each signature to the chunk that ends it. */
function pngsIn(bytes: Buffer): Buffer[] {
  const signature = Buffer.from(PNG, 'latin1');
  const all: Buffer[] = [];
  for (let start = bytes.indexOf(signature); start >= 0; start = bytes.indexOf(signature, start + 1)) {
    const end = bytes.indexOf('IEND', start);
    all.push(bytes.subarray(start, end < 0 ? start : end + 8));
  }
  return all;
}

/** How many pictures a browser keeps of the pages that it has shown; each is the page's own icon. */
async function iconsKept(file: string): Promise<number> {
  const database = new Database(file, { readonly: true });
  const bitmaps = database.prepare('SELECT image_data FROM favicon_bitmaps').pluck().all() as Buffer[];
  database.close();
  for (const bitmap of bitmaps) expect(await isIcon(bitmap)).toBe(true);
  return bitmaps.length;
}

/** What somebody does with one capture, language by language. */
async function capture(page: Page, number: number): Promise<void> {
  await page.locator('nav button').first().click();
  // At rest: what was taught last is learned.
  await page.locator('.cue.good, .cue.bad').waitFor();
  await page.keyboard.press('c');
  await page.locator('.teach').waitFor();
  await page.locator('.read-picture canvas[width="600"]').waitFor();
  await page.locator('.read-picture .action').click();
  await page.locator('.saliency').waitFor();
  await page.keyboard.press(number % 3 === 0 ? 'y' : 'u');
  await page.locator('.teach').waitFor({ state: 'detached' });
  if (number % 4 !== 0) return;
  const views = page.locator('nav button');
  for (let view = 1; view < (await views.count()); view++) await views.nth(view).click();
  await page.getByRole('button', { name: LANGUAGES[(number / 4) % LANGUAGES.length], exact: true }).click();
  await page.locator('.choice').nth(1).locator('button').nth(1).click();
  await page.locator('.choice').nth(1).locator('button').first().click();
  await views.nth(2).click();
  await page.locator('.entry').first().waitFor();
}

/** Of what the page can fetch: the pictures as they come, and as the browser holds them. It has no types here. */
const FETCHED = `(async () => {
  const text = (bytes) => { let all = ''; for (const byte of bytes) all += String.fromCharCode(byte); return btoa(all); };
  const fetched = [];
  for (const place of ['/api/frame', '/api/frozen', '/api/frame', '/api/frame']) {
    const response = await fetch(place);
    if (!response.ok) continue;
    const blob = await response.blob();
    const picture = await createImageBitmap(blob);
    const context = new OffscreenCanvas(picture.width, picture.height).getContext('2d');
    context.drawImage(picture, 0, 0);
    const { data } = context.getImageData(0, 0, picture.width, picture.height);
    fetched.push([text(new Uint8Array(await blob.arrayBuffer())), text(data)]);
  }
  return fetched;
})()`;

const STORED = `(async () => ({
  local: { ...localStorage },
  session: { ...sessionStorage },
  cookies: document.cookie,
  databases: await indexedDB.databases(),
  caches: await caches.keys(),
  workers: (await navigator.serviceWorker?.getRegistrations() ?? []).length,
}))()`;

describe.skipIf(!hasChromium || !hasMosquitto)('a day of use at the screen', () => {
  let day: Day;
  let fetched: [jpeg: Buffer, rgba: Buffer][];
  let stored: unknown;
  let deleted: string[];

  beforeAll(async () => {
    day = new Day();
    const page = await day.begin(frames, canWatchConnections);
    for (let i = 0; i < CAPTURES; i++) await capture(page, i);
    await page.locator('nav button').first().click();
    await page.locator('.cue.good, .cue.bad').waitFor();
    await page.keyboard.press('c');
    await page.locator('.teach').waitFor();
    const texts = await page.evaluate<[string, string][]>(FETCHED);
    fetched = texts.map(([jpeg, rgba]) => [Buffer.from(jpeg, 'base64'), Buffer.from(rgba, 'base64')]);
    for (const [i, [jpeg, rgba]] of fetched.entries()) {
      pictures.add(`fetched ${i}`, jpeg);
      pictures.add(`fetched ${i} as drawn`, rgba);
    }
    stored = await page.evaluate(STORED);
    deleted = await foundInDeleted(day.folder);
    await day.end();
  }, 2 * HOUR);
  afterAll(async () => {
    await day?.end();
    day?.remove();
  });

  it('showed the pictures that are looked for', async () => {
    const served = await Promise.all(frames.map(servedOf));
    expect(fetched.length).toBeGreaterThan(1);
    for (const [jpeg] of fetched) expect(served.some((one) => one.equals(jpeg))).toBe(true);
  });

  it(`recorded and sent ${CAPTURES} readings and more, and learned`, () => {
    const journal = new Database(path.join(day.folder, 'data', 'journal.sqlite'), { readonly: true });
    const tables = journal.prepare("SELECT name FROM sqlite_schema WHERE type = 'table'").pluck().all();
    journal.close();
    expect(tables.length).toBeGreaterThan(0);
    const said = day.said().get('MQTT')?.toString() ?? '';
    expect(said.match(/^spikescope\/scope-1\/result /gm)?.length).toBe(CAPTURES + 1);
    expect(said.match(/^spikescope\/scope-1\/label /gm)?.length).toBe(Math.ceil(CAPTURES / 3));
    expect(day.said().get('stderr')?.toString()).toMatch(/screen +http:/);
  });

  it('leaves no picture in any file of the appliance or the browser', async () => {
    const files = filesBelow(day.folder).map((file) => path.relative(day.folder, file));
    expect(files).toContain(path.join('data', 'journal.sqlite'));
    expect(files.filter((file) => file.startsWith('profile')).length).toBeGreaterThan(10);
    const icons = await iconsKept(path.join(day.folder, FAVICONS));
    const signs = readFileSync(path.join(day.folder, FAVICONS)).toString('latin1').split(PNG).length - 1;
    expect(signs).toBe(icons);
    expect(foundBelow(day.folder).filter((what) => what !== `${FAVICONS}: PNG`)).toEqual([]);
    expect(deleted).toEqual([]);
  });

  it('leaves no picture in any message or log', () => {
    for (const [where, bytes] of day.said()) expect(found(bytes), where).toEqual([]);
  });

  it('keeps nothing in the browser but the language', () => {
    expect(stored).toEqual({
      local: { language: expect.stringMatching(/^[a-z]{2}$/) },
      ...{ session: {}, cookies: '', databases: [], caches: [], workers: 0 },
    });
  });

  it.skipIf(!canWatchConnections)('reaches for nothing beyond loopback', () => {
    const [appliance, browser] = day.calls.map(peersIn);
    expect(appliance).toContain('127.0.0.1');
    expect(browser).toContain('127.0.0.1');
    expect([...appliance, ...browser].filter((address) => !isLoopback(address))).toEqual([]);
  });
});

describe('what is looked for', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(path.join(tmpdir(), 'planted-'));
  });
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  const [frame] = frames;
  const rgb = rgbOfYuv(frame);
  const { width } = frame;
  const row = 201;
  const picture = sharp(rgb.rgb, { raw: { width, height: frame.height, channels: 3 } });
  const rowOf = (bytes: Uint8Array, length: number) =>
    Buffer.from(bytes).subarray(row * length, (row + 1) * length);

  it.each([
    ['a row of luminance', 'planes', () => rowOf(frame.yuv420, frame.stride)],
    ['a row of RGB', 'RGB', () => rowOf(rgb.rgb, 3 * width)],
    ['a row of RGBA', 'RGBA', () => rowOf(withAlpha(rgb, 'rgb'), 4 * width)],
    ['a row of BGRA', 'BGRA', () => rowOf(withAlpha(rgb, 'bgr'), 4 * width)],
    ['a row of pixels in base64', 'RGB', () => Buffer.from(rowOf(rgb.rgb, 3 * width).toString('base64'))],
    [
      'a piece of what is served',
      '(as served|fetched \\d+)',
      async () => (await servedOf(frame)).subarray(5000, 5200),
    ],
    ['any PNG', 'PNG', () => picture.clone().resize(8).png().toBuffer()],
    ['any JPEG', 'JPEG', () => picture.clone().resize(8).jpeg().toBuffer()],
    ['any WebP', 'WebP', () => picture.clone().resize(8).webp().toBuffer()],
    ['any AVIF', 'AVIF', () => picture.clone().resize(8).avif().toBuffer()],
    [
      'any JPEG in base64',
      'JPEG in base64',
      async () => Buffer.from((await picture.clone().resize(8).jpeg().toBuffer()).toString('base64')),
    ],
  ])('%s is found in the middle of a file, deep in a folder', async (_, what, planted) => {
    const deep = path.join(folder, 'a', 'b');
    mkdirSync(deep, { recursive: true });
    const around = Buffer.from('{"note":"nothing of it"}');
    writeFileSync(path.join(deep, 'file'), Buffer.concat([around, await planted(), around]));
    const all = foundBelow(folder);
    expect(all).toContainEqual(expect.stringMatching(new RegExp(`^a/b/file: .*${what}$`)));
  });

  it('is not found in what has nothing of it', () => {
    writeFileSync(path.join(folder, 'a', 'b', 'file'), readFileSync(process.execPath).subarray(0, 2_000_000));
    expect(foundBelow(folder)).toEqual([]);
  });

  it.skipIf(!canWatchConnections)(
    'is an address beyond loopback that somebody reached for, by TCP or UDP',
    () => {
      const calls = path.join(folder, 'calls');
      const peersOf = (script: string): string[] => {
        const [program, ...before] = watched(calls);
        expect(spawnSync(program, [...before, process.execPath, '-e', script]).status).toBe(0);
        return peersIn(calls);
      };
      const tcp = `const tcp = require('node:net').connect({ port: 9, host: '192.0.2.1' }).on('error', () => {});
      setTimeout(() => tcp.destroy(), 100);`;
      const udp = (
        then: string,
      ) => `const udp = require('node:dgram').createSocket('udp4').on('error', () => {});
      udp.connect(9, '192.0.2.2', () => ${then});`;
      expect(peersOf(tcp)).toEqual(['192.0.2.1']);
      expect(peersOf(udp("udp.send('x', () => udp.close())"))).toEqual(['192.0.2.2']);
      expect(peersOf(udp('udp.close()'))).toEqual([]);
      expect(['127.0.0.1', '::1', '192.0.2.1', '2001:db8::1'].filter(isLoopback)).toEqual([
        '127.0.0.1',
        '::1',
      ]);
    },
  );
});
