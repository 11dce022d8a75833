/** Each way through the page, in Chromium, against a device that holds to the contract. */
import { describe, expect, it } from 'vitest';
import type { ScreenCommand } from '../../../src/ui/web/contract.ts';
import { hasChromium } from './support/browser.ts';
import {
  askingState,
  outcomeOf,
  RESULT,
  readingOf,
  restingState,
  retakeState,
  taughtState,
} from './support/states.ts';
import { withPage } from './support/with-page.ts';

describe.skipIf(!hasChromium)('the page', () => {
  const screen = withPage();
  const { tell, press, see, asked } = screen;
  const key = (name: string) => screen.page.keyboard.press(name);

  it('takes a picture at a press, and shows what to do before what it may be', async () => {
    screen.device.onCommand = ({ command }) => {
      if (command === 'capture') screen.device.tell(askingState(readingOf('refer')));
      return undefined;
    };
    await press('Take picture');
    await see('Have a specialist look at this lesion.');
    await expect.poll(asked).toEqual([{ command: 'capture' }]);
    const texts = await screen.page.locator('main').innerText();
    expect(texts.indexOf('Refer')).toBeLessThan(texts.indexOf('Melanoma'));
    expect(texts).toMatch(
      /Melanoma\s+malignant\s+62%[\s\S]*nevus\s+benign\s+21%[\s\S]*keratosis-like lesion\s+benign\s+9%/,
    );
  });

  it('freezes the picture from the press until the reading is there', async () => {
    const resting = restingState();
    await see('Sharp and well lit');
    await tell({ ...resting, flow: { ...resting.flow, state: 'reading' } });
    await see('Reading the picture…');
    const frozen = await screen.page.locator('.picture canvas').first().screenshot();
    await screen.page.waitForTimeout(200);
    expect((await screen.page.locator('.picture canvas').first().screenshot()).equals(frozen)).toBe(true);
  });

  it('follows the buttons of the device: whatever view is open, a press shows its reading', async () => {
    const resting = restingState();
    await press('History');
    await tell({ ...resting, flow: { ...resting.flow, state: 'capturing' } });
    await tell(askingState(readingOf('routine')));
    await see('Nothing in this picture asks for a specialist. If you are in doubt, refer.');
  });

  it('confirms, corrects and lets a reading go, each for the very reading that is shown', async () => {
    await tell(askingState(readingOf('refer')));
    await press('Yes, Melanoma');
    await press('Another class');
    await press(/^Dermatofibroma/);
    await tell(taughtState(outcomeOf('kept')));
    await tell(askingState(readingOf('routine')));
    await press('Do not say');
    await expect
      .poll(asked)
      .toEqual([
        { command: 'confirm', result: RESULT },
        { command: 'correct', result: RESULT, label: 'df' },
        { command: 'dismiss' },
      ]);
  });

  it('offers the next likely class at a press, as the button of the device does', async () => {
    const asking = askingState(readingOf('refer'));
    screen.device.onCommand = ({ command }) => {
      if (command === 'next-label')
        screen.device.tell({ ...asking, flow: { ...asking.flow, proposed: 'nv' } });
      return undefined;
    };
    await tell(asking);
    await press('Next likely class');
    await press('Yes, Melanocytic nevus');
    await expect.poll(asked).toEqual([
      { command: 'next-label', result: RESULT },
      { command: 'confirm', result: RESULT },
    ]);
  });

  it('adds a class that is typed on its own keys, with how bad it is', async () => {
    await tell(askingState(readingOf('indeterminate')));
    await press('Another class');
    await press('A new class');
    for (const letter of 'spitz')
      await screen.page.getByRole('button', { name: letter, exact: true }).click();
    await press('Next');
    await press('benign');
    await press('Add class spitz');
    await expect
      .poll(asked)
      .toEqual([{ command: 'add-class', result: RESULT, label: 'spitz', risk: 'benign' }]);
  });

  it('says what an answer has changed, and takes it back after asking', async () => {
    await tell(taughtState(outcomeOf('kept')));
    await see('Learned: Melanocytic nevus');
    await press('What it changes');
    await see('name the class rightly');
    await press(/^Back$/);
    await press('Take back the last answer');
    const resting = restingState();
    await tell({ ...resting, flow: { ...resting.flow, state: 'confirmingUndo', takingBack: 'nv' } });
    await see('Take back “Melanocytic nevus”?');
    await press('Take back');
    await expect.poll(asked).toEqual([{ command: 'undo' }, { command: 'undo' }]);
  });

  it('asks for another picture with a reason and a way to do better', async () => {
    await tell(retakeState('out-of-focus', 'dark'));
    await see('It is out of focus.');
    await see('Hold still. If it stays, wipe the lens with a soft dry cloth.');
    await see('It is too dark.');
    await press('Take it again');
    await expect.poll(asked).toEqual([{ command: 'capture' }]);
  });

  it('tells what its figures mean one press away', async () => {
    await tell(askingState(readingOf('refer')));
    await press(/^How sure/);
    await see('In its evaluation, it referred 95 of 100 lesions that had to be seen, and missed 5.');
    await see('95.1% (95% between 92.1% and 97.1%)');
    await press('Back');
    await see('Yes, Melanoma');
  });

  it('does with keys of a keyboard what the buttons of the device do', async () => {
    // One after the other: a second press while the first is on its way counts as the same.
    const asks = async (name: string, command: ScreenCommand) => {
      const before = asked().length;
      await key(name);
      await expect.poll(() => asked().slice(before)).toEqual([command]);
    };
    await asks('c', { command: 'capture' });
    await tell(askingState(readingOf('refer')));
    await asks('n', { command: 'next-label', result: RESULT });
    await asks('y', { command: 'confirm', result: RESULT });
    await asks('u', { command: 'dismiss' });
    await tell(restingState());
    await asks('u', { command: 'undo' });
  });

  it('leaves keys alone while somebody types', async () => {
    await press('Patient');
    await press('Type it: Visit');
    await screen.page.locator('.typed').fill('');
    await screen.page.locator('.typed').pressSequentially('cyu-7');
    await key('Enter');
    await expect
      .poll(asked)
      .toEqual([{ command: 'set-context', context: { encounter: 'cyu-7', subject: null, bodySite: null } }]);
  });

  it('takes an identifier from a code, and a place of the body from its map', async () => {
    screen.device.onCommand = ({ command }) =>
      command === 'scan' ? { outcome: 'done', data: { text: 'E-77' } } : undefined;
    await press('Patient');
    await press('Scan a code: Visit');
    await see('Choose on the map');
    await press('Choose on the map');
    await press('Left forearm');
    await see('Next patient');
    const sent = asked().filter(({ command }) => command === 'set-context');
    expect(sent).toEqual([
      { command: 'set-context', context: { encounter: 'E-77', subject: null, bodySite: null } },
      { command: 'set-context', context: { encounter: null, subject: null, bodySite: 'forearm-left' } },
    ]);
  });

  it('asks for no identifier where the configuration allows none', async () => {
    await tell(restingState({ context: { allowed: false, current: null, scanning: false } }));
    await press('Patient');
    await see('Identifiers are switched off');
    expect(await screen.page.getByRole('button', { name: /Scan|Type/ }).count()).toBe(0);
  });

  it('searches the history by identifier', async () => {
    await press('History');
    await see('No reading yet.');
    await press('Search by identifier');
    await screen.page.locator('.typed').fill('E-77');
    await screen.page.keyboard.press('Enter');
    await see('Nothing found for “E-77”.');
    await expect.poll(() => screen.device.searched.at(-1)).toBe('E-77');
  });

  it('leaves the focus to who goes to the field as soon as it is there', async () => {
    await press('History');
    // Within one turn of the page: before it is painted, as a fast scanner's first key may come.
    const stands = await screen.page.evaluate<boolean>(`(async () => {
      document.querySelector('.history .action').click();
      while (document.querySelector('.typed') === null) await Promise.resolve();
      document.querySelector('.typed').focus();
      await new Promise((resolve) => setTimeout(resolve, 200));
      return document.activeElement === document.querySelector('.typed');
    })()`);
    expect(stands).toBe(true);
  });

  it('sets nothing but the language without the PIN', async () => {
    await press('Settings');
    expect(await screen.page.getByText('Appearance').count()).toBe(0);
    await press('Unlock');
    for (const digit of '4711') await screen.page.getByRole('button', { name: digit, exact: true }).click();
    await screen.page.locator('.keypad .main').click();
    await tell(
      restingState({
        settings: { pin: 'set', unlockedUntil: '2026-03-02T10:00:00.000Z', waitUntil: null, paired: [] },
      }),
    );
    await press('Dark');
    await expect.poll(asked).toEqual([
      { command: 'unlock', pin: '4711' },
      { command: 'set', setting: { name: 'theme', value: 'dark' } },
    ]);
  });

  it('changes its language at once, and back', async () => {
    await press('Settings');
    await press('Kiswahili');
    await see('Mipangilio');
    expect(await screen.page.evaluate('document.documentElement.lang')).toBe('sw');
    await press('English');
    await see('Settings');
  });

  it('shows nothing while the display is blank, and wakes the device at a touch', async () => {
    const resting = restingState();
    screen.device.tell({ ...resting, display: { ...resting.display, blank: true } });
    await screen.page.locator('.dark').waitFor();
    await screen.page.locator('.dark').tap();
    await expect.poll(() => screen.device.commands.at(-1)).toEqual({ command: 'active' });
  });

  it('says in words why the device did not do what was asked', async () => {
    screen.device.onCommand = () => ({ outcome: 'refused', code: 'SCREEN_NOT_NOW' });
    await press('Take picture');
    await see('This means nothing now.');
  });

  it('makes a screen that the device does not know known to it, by the code that the device shows', async () => {
    screen.device.isPairing = true;
    const page = await screen.browser.newPage();
    await page.goto(screen.device.url);
    await page.getByText('This screen is not known to the device').waitFor();
    await page.locator('.typed').fill('11111111');
    await page.keyboard.press('Enter');
    await page.getByText('This code is wrong or has expired.').waitFor();
    await page.locator('.typed').fill('12345678');
    await page.keyboard.press('Enter');
    await page.getByRole('button', { name: 'Take picture' }).waitFor();
    await page.close();
  });

  it('shows other screens what they may see: no pictures, and no more than their rights', async () => {
    await tell(restingState({ client: { role: 'observer', rights: ['see'] }, reading: null }));
    await see('Pictures are shown on the device itself only.');
    expect(await screen.page.getByRole('button', { name: 'History' }).count()).toBe(0);
    expect(await screen.page.getByRole('button', { name: 'Take picture' }).isDisabled()).toBe(true);
  });
});
