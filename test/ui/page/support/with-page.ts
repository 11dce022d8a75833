/** One browser, one played device and one open page for a file of tests. */
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, beforeEach } from 'vitest';
import type { ScreenCommand, ScreenState } from '../../../../src/ui/web/contract.ts';
import { openBrowser, phantomPictures } from './browser.ts';
import { FakeDevice } from './fake-device.ts';
import { openPage, shows } from './open.ts';
import { restingState } from './states.ts';

export interface OpenPage {
  readonly browser: Browser;
  readonly device: FakeDevice;
  readonly page: Page;
  /** Tells a state, and waits until the page shows it. */
  tell(state: ScreenState): Promise<void>;
  /** What the page has asked for, the word that somebody is there left out. */
  asked(): ScreenCommand[];
  press(name: string | RegExp): Promise<void>;
  see(text: string | RegExp): Promise<void>;
}

/** Before each test the device is at rest and the page at its beginning. */
export function withPage(): OpenPage {
  const open: { browser?: Browser; device?: FakeDevice; page?: Page } = {};
  const must = <Value>(value: Value | undefined): Value => {
    if (value === undefined) throw new Error('the page is not open yet');
    return value;
  };
  beforeAll(async () => {
    open.browser = await openBrowser();
    open.device = await FakeDevice.start(await phantomPictures(1));
    const context = await open.browser.newContext({ viewport: { width: 480, height: 800 }, hasTouch: true });
    open.page = await openPage(context, open.device);
  });
  afterAll(async () => {
    await open.browser?.close();
    await open.device?.stop();
  });
  const screen: OpenPage = {
    get browser() {
      return must(open.browser);
    },
    get device() {
      return must(open.device);
    },
    get page() {
      return must(open.page);
    },
    async tell(state) {
      screen.device.tell(state);
      await shows(screen.page, screen.device);
    },
    asked: () => screen.device.commands.filter(({ command }) => command !== 'active'),
    press: (name) => screen.page.getByRole('button', { name }).first().click(),
    see: (text) => screen.page.getByText(text).first().waitFor(),
  };
  beforeEach(async () => {
    screen.device.reset();
    await screen.tell(restingState());
    await screen.press('Status');
    await screen.press('Capture');
    screen.device.commands.length = 0;
  });
  return screen;
}
