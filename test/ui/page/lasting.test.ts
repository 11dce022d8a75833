/**
 * What a day of use leaves behind: in the page nothing grows, and nothing of a picture or a patient stays anywhere.
 * SPIKESCOPE_SCREEN_CAPTURES says how many captures there are; .ci/nightly makes 10,000.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { chromium } from 'playwright-core';
import { describe, expect, it } from 'vitest';
import { hasChromium, openBrowser, PROGRAM, phantomPictures } from './support/browser.ts';
import { FakeDevice } from './support/fake-device.ts';
import { openPage, shows } from './support/open.ts';
import { askingState, PATIENT, readingOf, restingState } from './support/states.ts';

const CAPTURES = Number(process.env.SPIKESCOPE_SCREEN_CAPTURES ?? 40);
/** Bytes of script objects, and listeners and nodes, that may be left over from all captures together. */
const LEFT = { heap: 1_500_000, nodes: 150, listeners: 30 };

describe.skipIf(!hasChromium)('the page after many captures', () => {
  it(`has grown by nothing after ${CAPTURES}`, async () => {
    const browser = await openBrowser();
    const device = await FakeDevice.start(await phantomPictures(1));
    const page = await openPage(await browser.newContext(), device);
    const inspector = await page.context().newCDPSession(page);
    await inspector.send('Performance.enable');
    const measure = async () => {
      await inspector.send('HeapProfiler.collectGarbage');
      const { metrics } = await inspector.send('Performance.getMetrics');
      const of = (name: string) => metrics.find((metric) => metric.name === name)?.value ?? Number.NaN;
      return { heap: of('JSHeapUsedSize'), nodes: of('Nodes'), listeners: of('JSEventListeners') };
    };
    const capture = async (number: number): Promise<void> => {
      const result = `7d6f1f0a-6a57-4a3e-9d1c-${String(number).padStart(12, '0')}`;
      device.tell(askingState(readingOf('refer', { result })));
      await shows(page, device);
      device.tell(restingState());
      await shows(page, device);
    };
    for (let i = 0; i < 20; i++) await capture(i);
    const before = await measure();
    for (let i = 0; i < CAPTURES; i++) await capture(20 + i);
    const after = await measure();
    await browser.close();
    await device.stop();
    expect(after.heap - before.heap).toBeLessThan(LEFT.heap);
    expect(after.nodes - before.nodes).toBeLessThan(LEFT.nodes);
    expect(after.listeners - before.listeners).toBeLessThan(LEFT.listeners);
  }, 7_200_000);

  it('leaves nothing on the disk of the display but the language: no pixel, no identifier', async () => {
    const profile = mkdtempSync(path.join(tmpdir(), 'screen-profile-'));
    const pictures = await phantomPictures(1);
    const device = await FakeDevice.start(pictures);
    device.tell(restingState({ context: { allowed: true, current: PATIENT, scanning: false } }));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: PROGRAM,
      args: ['--no-sandbox', '--disable-gpu'],
    });
    const page = await openPage(context, device);
    await page.getByText('Sharp and well lit').waitFor();
    device.tell(
      askingState(readingOf('refer'), { context: { allowed: true, current: PATIENT, scanning: false } }),
    );
    await page.getByText('Yes, Melanoma').waitFor();
    await page.getByRole('button', { name: 'What it looked at' }).click();
    const kept = await page.evaluate<Record<string, string>>('({ ...localStorage })');
    const others = await page.evaluate<unknown>(`(async () => [
      sessionStorage.length, document.cookie, (await indexedDB.databases()).length, (await caches.keys()).length,
      (await navigator.serviceWorker?.getRegistrations() ?? []).length,
    ])()`);
    await context.close();
    await device.stop();
    const files = readdirSync(profile, { recursive: true, encoding: 'utf8' })
      .map((name) => path.join(profile, name))
      .filter((file) => statSync(file).isFile());
    const holding = (bytes: Buffer | string) => files.filter((file) => readFileSync(file).includes(bytes));
    // Half of the picture's bytes, from its middle, where no two pictures are the same.
    const middle = pictures[0].subarray(pictures[0].length / 2, pictures[0].length / 2 + 64);
    const found = { pixels: holding(middle), identifiers: holding(PATIENT.encounter ?? '') };
    rmSync(profile, { recursive: true, force: true });
    expect(kept).toEqual({ language: 'en' });
    expect(others).toEqual([0, '', 0, 0, 0]);
    expect(files.length).toBeGreaterThan(10);
    expect(found).toEqual({ pixels: [], identifiers: [] });
  });
});
