/** The page on a real appliance: a patient, a capture, an answer, taking it back, and what becomes of each. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasChromium, openBrowser } from './support/browser.ts';
import { type RealAppliance, startAppliance } from './support/real-appliance.ts';

describe.skipIf(!hasChromium)('the page of a real appliance', () => {
  let appliance: RealAppliance;
  let browser: Browser;
  let page: Page;
  const faults: string[] = [];
  const press = (name: string | RegExp) => page.getByRole('button', { name }).first().click();
  const see = (text: string | RegExp) => page.getByText(text).first().waitFor();

  beforeAll(async () => {
    appliance = await startAppliance(7);
    browser = await openBrowser();
    page = await browser.newPage({ viewport: { width: 480, height: 800 } });
    page.on('pageerror', (error) => faults.push(error.message));
    page.on('console', (message) => {
      if (message.type() === 'error' && message.text().includes('Content Security Policy'))
        faults.push(message.text());
    });
    await page.goto(appliance.url);
    await page.locator('nav').waitFor();
  }, 120_000);
  afterAll(async () => {
    await browser?.close();
    await appliance?.stop();
  });

  it('shows what its camera sees', async () => {
    await page.locator('.cue.good, .cue.bad').waitFor();
    expect(await page.locator('.picture canvas').getAttribute('width')).toBe('640');
  });

  it('takes the patient by keys and by the body map, and shows who it is', async () => {
    await press(/^Patient$/);
    await press('Type it: Visit');
    await page.locator('.typed').fill('E-2026-00417');
    await press('Use it');
    await press('Choose on the map');
    await press('Left forearm');
    await see('E-2026-00417 · Left forearm');
  });

  it('reads what is before the camera, and asks whether that is right', async () => {
    await press(/^Capture$/);
    await press('Take picture');
    await page.locator('.triage-word').waitFor();
    expect(await page.locator('.triage-word').innerText()).toMatch(/^(Refer|Routine|Unclear)$/);
    expect(await page.locator('.class').count()).toBeGreaterThanOrEqual(3);
    await page.locator('.read-picture canvas[width="640"]').waitFor();
    await press('What it looked at');
    await page.locator('.saliency').waitFor();
    await press(/^How sure/);
    await see('Sensitivity');
    await press(/^Back$/);
  });

  it('learns the answer or says why not, and takes it back', async () => {
    await press('Another class');
    await press(/Dermatofibroma/i);
    await see(/^(Learned|Recorded): /);
    await press('Take back the last answer');
    await see(/^Take back/);
    await press(/^Take back$/);
    await see('The last answer is taken back.');
  });

  it('has the reading in its history, found by the identifier, and sent', async () => {
    await press(/^History$/);
    await see('Identifier E-2026-00417');
    await press('Search by identifier');
    await page.locator('.typed').fill('E-1999');
    await page.keyboard.press('Enter');
    await see('Nothing found for “E-1999”.');
    await press('E-1999');
    await page.locator('.typed').fill('E-2026');
    await page.keyboard.press('Enter');
    await page.locator('.entry').waitFor();
    await page.locator('.entry').getByText('Left forearm').waitFor();
  });

  it('forgets the patient for the next one', async () => {
    await press(/^Patient/);
    await press('Next patient');
    await page.locator('header').getByText('No identifier').waitFor();
  });

  it('lets the appearance be changed with the PIN that was chosen', async () => {
    await press(/^Settings$/);
    await press('Unlock');
    for (let i = 0; i < 2; i++) {
      await page.locator('.typed').fill('4711');
      await page.locator('.keypad .main').click();
    }
    await press('Highest contrast');
    await page.locator('html[data-theme="contrast"]').waitFor();
  });

  it('is blank when the camera stops, says so, and goes on when it is back', async () => {
    await press(/^Capture$/);
    await page.locator('.cue.good, .cue.bad').waitFor();
    appliance.stall();
    await see('No live picture');
    appliance.goOn();
    await page.locator('.cue.good, .cue.bad').waitFor();
  });

  it('says that it has lost the device when that is gone', async () => {
    await appliance.stop();
    await see('The screen has lost the device');
  });

  it('has broken no rule of its policy, and kept nothing', async () => {
    expect(faults).toEqual([]);
    expect(await page.evaluate('({ ...localStorage })')).toEqual({});
  });
});
