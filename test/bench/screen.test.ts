/** The bench of the screen: what its parts measure is there, and of the right thing. The figures are for the bench. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BenchDevice } from '../../src/bench/screen/bench-device.ts';
import { BenchPage } from '../../src/bench/screen/bench-page.ts';
import { compiled } from '../support/compiled.ts';
import { hasChromium } from '../ui/page/support/browser.ts';

const START = 120_000;

describe.skipIf(!hasChromium)('the bench of the screen', () => {
  let device: BenchDevice;
  let page: BenchPage;

  beforeAll(async () => {
    compiled('bench/screen/device-process.js');
    device = await BenchDevice.start({ hasScreen: true, camera: { width: 640, height: 480, rate: 20 } });
    page = await BenchPage.open(device.url);
  }, START);
  afterAll(async () => {
    await page?.close();
    await device?.end();
  }, START);

  it(
    'times a press of the page’s own button until its reading is painted, after the flow had the frame',
    async () => {
      await page.aims();
      const { pressedAt, paintedAt, result } = await page.press();
      const framedAt = (await device.framed()).get(result) ?? Number.NaN;
      expect(framedAt).toBeGreaterThan(pressedAt - 5);
      expect(paintedAt).toBeGreaterThan(framedAt);
      await device.undo();
    },
    START,
  );

  it(
    'counts frames that are drawn, and readings that are shown, each once',
    async () => {
      const before = await page.drawn();
      await page.aims(3);
      expect(await page.drawn()).toBeGreaterThanOrEqual(before + 3);
      await device.capture();
      await page.hasShown(2);
      await device.undo();
    },
    START,
  );

  it('tells what device and page hold', async () => {
    const { reachable, resident } = await device.memory();
    expect(resident).toBeGreaterThan(reachable);
    expect(await device.cpu()).toBeGreaterThan(0);
    const { heap, nodes, listeners } = await page.use();
    expect(Math.min(heap, nodes, listeners)).toBeGreaterThan(0);
  });
});
