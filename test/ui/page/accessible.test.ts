/** Whether everybody can use the page: as axe-core judges each view, by keyboard alone, and written from the right. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { hasChromium } from './support/browser.ts';
import { clippedTexts, showScene } from './support/open.ts';
import { chosenScenes } from './support/scenes.ts';
import { askingState, readingOf, restingState } from './support/states.ts';
import { withPage } from './support/with-page.ts';

const AXE = readFileSync(path.resolve('node_modules/axe-core/axe.min.js'), 'utf8');
/** WCAG 2.2, A and AA, what axe holds to be good besides, and for all text a contrast of seven to one, for the sun. */
const RUN = `axe.run(document, {
  runOnly: { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'] },
  rules: { 'color-contrast-enhanced': { enabled: true } },
}).then(({ violations, passes }) => {
  if (!passes.some(({ id }) => id === 'color-contrast-enhanced')) return ['contrast was not judged'];
  return violations.map(({ id, nodes }) => id + ': ' + nodes.map(({ html }) => html.slice(0, 120)).join(' | '));
})`;

describe.skipIf(!hasChromium)('the page can be used by everybody', () => {
  const screen = withPage();

  const turn = (direction: 'ltr' | 'rtl') =>
    screen.page.evaluate(`document.documentElement.dir = '${direction}'`);

  /** The policy of the page lets no script in that is not its own; the debugger's are let in. */
  const withAxe = async <Answer>(run: string): Promise<Answer> => {
    await screen.page.evaluate(`if (!('axe' in globalThis)) { ${AXE} }`);
    return screen.page.evaluate<Answer>(run);
  };

  it('axe-core finds nothing in any view, and every view fits when it is written from the right', async () => {
    const [found, cut]: [string[], string[]] = [[], []];
    for (const scene of chosenScenes()) {
      await showScene(screen.page, screen.device, scene);
      found.push(...(await withAxe<string[]>(RUN)).map((fault) => `${scene.name}: ${fault}`));
      await turn('rtl');
      cut.push(...(await clippedTexts(screen.page)).map((fault) => `${scene.name}: ${fault}`));
      await turn('ltr');
    }
    expect(found).toEqual([]);
    expect(cut).toEqual([]);
  }, 900_000);

  it.each(['dark', 'contrast'] as const)('the same holds where the display is %s', async (theme) => {
    const found: string[] = [];
    const state = restingState();
    for (const scene of [askingState(readingOf('refer')), askingState(readingOf('indeterminate')), state]) {
      await screen.tell({ ...scene, display: { ...state.display, theme } });
      found.push(...(await withAxe<string[]>(RUN)));
    }
    expect(found).toEqual([]);
  });

  it('the focus goes through a reading from above to below, and every stop has a name', async () => {
    await screen.tell(askingState(readingOf('refer')));
    await screen.page.locator('.skip').focus();
    const stops: string[] = [];
    for (let i = 0; i < 9; i++) {
      await screen.page.keyboard.press('Tab');
      stops.push(await screen.page.locator(':focus').innerText());
    }
    expect(stops.map((stop) => stop.replace(/\s+/g, ' ').trim())).toEqual([
      ...['Patient: No identifier', 'All works', 'What it looked at', 'How sure? Fairly sure', 'All classes'],
      ...['Yes, Melanoma', 'Next likely class', 'Another class', 'Do not say'],
    ]);
  });

  it('a view that opens takes the focus to its heading', async () => {
    await screen.press('Status');
    expect(await screen.page.locator(':focus').innerText()).toBe('Status');
  });

  it('a place of the body is chosen by keyboard, and each has a name', async () => {
    await screen.press('Patient');
    await screen.press('Choose on the map');
    const names = await screen.page.evaluate<string[]>(
      `[...document.querySelectorAll('.region')].map((region) => region.getAttribute('aria-label'))`,
    );
    expect(new Set(names).size).toBe(22);
    await screen.page.getByRole('button', { name: 'Chest' }).focus();
    await screen.page.keyboard.press('Enter');
    await expect
      .poll(() => screen.asked().at(-1))
      .toEqual({
        command: 'set-context',
        context: { encounter: null, subject: null, bodySite: 'chest' },
      });
  });

  it('written from the right, what stood at the left stands at the right', async () => {
    await screen.tell(askingState(readingOf('refer')));
    await turn('rtl');
    const shape = await screen.page.locator('.triage .shape').boundingBox();
    const word = await screen.page.locator('.triage-word').boundingBox();
    await turn('ltr');
    expect(shape?.x).toBeGreaterThan(word?.x ?? Number.POSITIVE_INFINITY);
  });
});
