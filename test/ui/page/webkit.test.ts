/**
 * The page of a real appliance in the other engine that displays and tablets have: WebKitGTK of Debian. Its pictures lie
 * below reports/screen-webkit/.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SIZES } from './support/browser.ts';
import { LOOK } from './support/open.ts';
import { type RealAppliance, startAppliance } from './support/real-appliance.ts';
import { hasWebKit, WebKit } from './support/webkit.ts';

/** Whether the picture of the camera is drawn, with more than one colour. */
const IS_DRAWN = `(() => {
  const canvas = document.querySelector('.picture canvas');
  if (canvas?.width !== 640) return false;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(data).size > 50;
})()`;
const TRIAGE = `document.querySelector('.triage-word')`;

describe.skipIf(!hasWebKit)('the page in WebKit', () => {
  let appliance: RealAppliance;
  let webkit: WebKit;

  /** Looks at the view that is open in each size. */
  const look = async (name: string): Promise<string[]> => {
    const faults: string[] = [];
    for (const size of SIZES) {
      await webkit.resize(size);
      const folder = path.resolve('reports/screen-webkit', `${size.width}x${size.height}`);
      mkdirSync(folder, { recursive: true });
      writeFileSync(path.join(folder, `${name}.png`), await webkit.photograph());
      const found = (await webkit.run(`return ${LOOK}`)) as string[];
      faults.push(...found.map((fault) => `${name}, ${size.width}x${size.height}: ${fault}`));
    }
    return faults;
  };

  beforeAll(async () => {
    appliance = await startAppliance(7);
    webkit = await WebKit.start();
    await webkit.resize(SIZES[0]);
    await webkit.open(appliance.url);
    await webkit.see(`document.querySelector('nav')`);
  }, 120_000);
  afterAll(async () => {
    await webkit?.stop();
    await appliance?.stop();
  });

  it('draws what the camera sees', async () => {
    await webkit.see(IS_DRAWN);
    await webkit.see(`document.querySelector('.cue.good, .cue.bad')`);
    expect(await look('viewfinder')).toEqual([]);
  });

  it('reads at a press, and shows the frame that was read and what the model looked at', async () => {
    await webkit.press('Take picture');
    await webkit.see(TRIAGE);
    expect(await webkit.run(`return ${TRIAGE}.innerText`)).toMatch(/^(Refer|Routine|Unclear)$/);
    await webkit.see(IS_DRAWN);
    expect(await look('reading')).toEqual([]);
    await webkit.press('What it looked at');
    await webkit.see(`document.querySelector('.saliency')?.width > 1`);
    expect(await look('overlay')).toEqual([]);
  });

  it('learns the answer or says why not', async () => {
    await webkit.press('Another class');
    await webkit.see(`document.querySelectorAll('.labels .action').length > 7`);
    await webkit.run(`document.querySelectorAll('.labels .action')[3].click()`);
    await webkit.see(`/^(Learned|Recorded): /.test(document.querySelector('.notice-title')?.innerText)`);
    expect(await look('taught')).toEqual([]);
    await webkit.run(`document.querySelector('.notice > .action').click()`);
  });

  it.each(['Patient', 'History', 'Status', 'Settings'])('opens %s', async (view) => {
    await webkit.press(view);
    await webkit.see(`document.querySelector('main h1')?.innerText === ${JSON.stringify(view)}`);
    expect(await look(view.toLowerCase())).toEqual([]);
  });

  it('takes an identifier by the keys that the page draws, and a place of the body', async () => {
    await webkit.press('Patient');
    await webkit.press('Type it');
    for (const key of ['4', '7', '1', '1', 'Use it']) await webkit.press(key);
    await webkit.see(`document.querySelector('header')?.innerText.includes('4711')`);
    await webkit.press('Choose on the map');
    expect(await look('body')).toEqual([]);
    await webkit.run(`document.querySelector('.region[aria-label="Chest"]')
      .dispatchEvent(new MouseEvent('click', { bubbles: true }))`);
    await webkit.see(`document.querySelector('header')?.innerText.includes('Chest')`);
  });

  it('is blank when the camera stops, and goes on when it is back', async () => {
    await webkit.press('Capture');
    await webkit.see(IS_DRAWN);
    appliance.stall();
    await webkit.see(`document.querySelector('.blank-title')`);
    expect(await look('stalled')).toEqual([]);
    appliance.goOn();
    await webkit.see(`document.querySelector('.blank-over') === null`);
    await webkit.see(IS_DRAWN);
  });

  it('has broken no rule of its policy, met no error, and kept nothing', async () => {
    expect(await webkit.faults()).toEqual([]);
    expect(await webkit.run('return { ...localStorage }')).toEqual({});
    // Such a breach would have been heard of.
    await webkit.run(`const style = document.createElement('style'); style.textContent = 'a { color: red }';
      document.head.append(style)`);
    await expect.poll(() => webkit.faults()).toContain('style-src-elem');
  });
});
