/** Opening the page at a scene, and what can be said of its layout without an eye. */
import type { BrowserContext, Page } from 'playwright-core';
import type { Language } from '../../../../src/ui/web/words.ts';
import type { FakeDevice } from './fake-device.ts';
import type { Scene } from './scenes.ts';

export async function openPage(
  context: BrowserContext,
  device: FakeDevice,
  language: Language = 'en',
): Promise<Page> {
  const page = await context.newPage();
  page.on('pageerror', (error) => {
    throw error;
  });
  await page.addInitScript(`localStorage.setItem('language', '${language}')`);
  await page.goto(device.url);
  await page.locator('nav, main').first().waitFor();
  return page;
}

/** Until the page shows the state that the device told last. */
export function shows(page: Page, device: FakeDevice): Promise<void> {
  return page.locator(`[data-sequence="${device.state.sequence}"]`).waitFor();
}

/** Brings a page that is open to a scene, from whatever it shows. */
export async function showScene(page: Page, device: FakeDevice, scene: Scene): Promise<void> {
  device.reset();
  device.tell(scene.state);
  scene.prepare?.(device);
  // Through another view, so that nothing of the last scene stays open.
  await page.locator('nav button').nth(3).click();
  await page.locator('nav button').first().click();
  await shows(page, device);
  await scene.open?.(page);
  await settle(page, scene);
}

/** Until pictures that belong to the scene are there: two paints, and what was fetched. */
async function settle(page: Page, scene: Scene): Promise<void> {
  const { reading, flow } = scene.state;
  const isLive = flow.state === 'idle' && reading === null;
  if (!/stalled|no-camera/.test(scene.name)) {
    await page.locator('.blank-over').waitFor({ state: 'detached', timeout: 5_000 });
  }
  await page.waitForTimeout(
    scene.name.includes('stalled') || scene.name === 'no-camera' ? 700 : isLive ? 250 : 150,
  );
  await page.evaluate('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))');
}

/**
 * What nobody may have to scroll to: what to do, what is asked and the answers to it, the press for a picture, what was
 * typed.
 */
const NEEDED = [
  ...[
    '.triage',
    '.reading > .row .action',
    '.teach .action',
    '.take .action',
    '.busy',
    '.last strong',
    '.cue',
    '.question .action',
  ],
  ...['.notice-title', '.next-patient .action', '.keypad .typed', '.keypad .main', '.away h1'],
].join(', ');

/**
 * Texts that do not fit what holds them, sideways or, where nothing scrolls, downwards; what is needed and out of sight;
 * controls below 48 pixels. Runs in the page, which has no types here.
 */
export const LOOK = `(() => {
  const faults = [];
  const NEEDED = '${NEEDED}';
  const name = (element) => element.tagName.toLowerCase() + '.' + element.className + ' “' +
    (element.textContent ?? '').trim().slice(0, 40) + '”';
  if (document.documentElement.scrollWidth > innerWidth) faults.push('page is wider than the display');
  const main = document.querySelector('main');
  if (main && main.scrollWidth > main.clientWidth + 1) faults.push('main scrolls sideways');
  for (const element of document.querySelectorAll('main *, nav button, header .chip, .research')) {
    if (element.closest('svg, .unseen, .skip, .over') || element.classList.contains('unseen')) continue;
    const style = getComputedStyle(element);
    const isHidden = style.overflowX !== 'visible' && style.textOverflow !== 'ellipsis';
    if (element.scrollWidth > element.clientWidth + 1 && style.display !== 'inline' &&
        (isHidden || element.matches('button, p, h1, h2, td, th')))
      faults.push('cut off sideways: ' + name(element));
    if (element.matches('nav button, .action, .key') && element.scrollHeight > element.clientHeight + 1)
      faults.push('cut off downwards: ' + name(element));
  }
  const stage = main?.getBoundingClientRect();
  for (const element of document.querySelectorAll(NEEDED)) {
    if (!stage || element.closest('.unseen')) continue;
    // Of two notices one gives way, and is counted above.
    if (element.closest('.standing')?.matches(':has(~ .notice)') && document.querySelector('.chip.how:not(.ok)')) continue;
    const { left, right, top, bottom } = element.getBoundingClientRect();
    const seen = document.elementFromPoint((left + right) / 2, (top + bottom) / 2);
    if (top < stage.top - 1 || bottom > stage.bottom + 1 || !seen || !(element.contains(seen) || seen.contains(element)))
      faults.push('not seen without scrolling: ' + name(element));
  }
  for (const element of document.querySelectorAll('button, [role=button], a, input')) {
    if (element.closest('.skip')) continue;
    const { width, height } = element.getBoundingClientRect();
    if (width < 47.5 || height < 47.5) 
      faults.push('too small, ' + width.toFixed(0) + '×' + height.toFixed(0) + ': ' + name(element));
  }
  return faults;
})()`;

export function clippedTexts(page: Page): Promise<string[]> {
  return page.evaluate<string[]>(LOOK);
}
