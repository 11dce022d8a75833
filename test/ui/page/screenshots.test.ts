/**
 * Pictures of every view, to be looked at by eye and compared with those of another time (scripts/compare-screens.mjs):
 * below reports/screen/, which no commit has. A few by default; SPIKESCOPE_SCREENS=all for each in each language and size,
 * or names of languages, sizes and scenes, separated by commas. What is cut off or too small fails here, without an eye.
 */
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LANGUAGES } from '../../../src/ui/web/words.ts';
import { hasChromium, openBrowser, phantomPictures, SIZES } from './support/browser.ts';
import { FakeDevice } from './support/fake-device.ts';
import { clippedTexts, openPage, showScene } from './support/open.ts';
import { chosen, chosenScenes } from './support/scenes.ts';

const languages = chosen(LANGUAGES, (each) => each, ['de']);
const sizes = chosen(SIZES, ({ width, height }) => `${width}x${height}`, ['480x800', '800x480']);
const scenes = chosenScenes();

describe.skipIf(!hasChromium)('every view, photographed', () => {
  let browser: Browser;
  let device: FakeDevice;
  beforeAll(async () => {
    browser = await openBrowser();
    device = await FakeDevice.start(await phantomPictures(1));
  });
  afterAll(async () => {
    await browser?.close();
    await device?.stop();
  });

  it.each(languages)(
    'fits each display in %s: nothing is cut off, wider than the display, or too small to be touched',
    async (language) => {
      const faults: string[] = [];
      const context = await browser.newContext({ viewport: sizes[0], hasTouch: true });
      const page = await openPage(context, device, language);
      for (const scene of scenes) {
        await showScene(page, device, scene);
        for (const size of sizes) {
          const name = `${size.width}x${size.height}`;
          await page.setViewportSize(size);
          const folder = path.resolve('reports/screen', language, name);
          mkdirSync(folder, { recursive: true });
          await page.screenshot({ path: path.join(folder, `${scene.name}.png`), animations: 'disabled' });
          faults.push(...(await clippedTexts(page)).map((fault) => `${scene.name}, ${name}: ${fault}`));
        }
      }
      await context.close();
      expect(faults).toEqual([]);
    },
    1_800_000,
  );
});
