/** What may go wrong, each in plain words with what to do. */
import { describe, expect, it } from 'vitest';
import type { ScreenState } from '../../../src/ui/web/contract.ts';
import { hasChromium } from './support/browser.ts';
import { itemOf, outcomeOf, restingState, retakeState, statusWith, taughtState } from './support/states.ts';
import { withPage } from './support/with-page.ts';

interface Condition {
  readonly what: string;
  readonly state: ScreenState;
  /** Where it is seen without being looked for; else in the view of the status. */
  readonly isInTheWay: boolean;
  readonly says: string;
  readonly todo: string;
}

const wrong = (...items: Parameters<typeof statusWith>) => restingState({ status: statusWith(...items) });

const CONDITIONS: readonly Condition[] = [
  {
    what: 'no camera',
    state: {
      ...wrong(
        itemOf('camera', { severity: 'fault', message: 'camera.absent', remedy: 'remedy.camera.connect' }),
      ),
      viewfinder: { state: 'absent', age: null, rate: null },
    },
    isInTheWay: true,
    says: 'No camera is found.',
    todo: 'Switch the device off, push the camera’s cable in on both ends, switch it on.',
  },
  {
    what: 'a dirty lens',
    state: wrong(
      itemOf('camera', { severity: 'warning', message: 'camera.lens', remedy: 'remedy.camera.clean' }),
    ),
    isInTheWay: true,
    says: 'Several pictures in a row were out of focus: the lens may be dirty.',
    todo: 'Wipe the lens with a soft dry cloth and take the picture again.',
  },
  {
    what: 'the broker away',
    state: wrong(
      itemOf('broker', {
        severity: 'warning',
        message: 'broker.away',
        remedy: 'remedy.broker.network',
        values: { waiting: 1 },
      }),
    ),
    isInTheWay: false,
    says: 'The clinic’s server cannot be reached. 1 message waits on the device; nothing is lost.',
    todo: 'Go on working. Check that the network is there; results are sent by themselves when it is back.',
  },
  {
    what: 'a disk that is nearly full',
    state: wrong(
      itemOf('storage', {
        severity: 'warning',
        message: 'storage.low',
        remedy: 'remedy.storage.free',
        values: { megabytes: 96 },
      }),
    ),
    isInTheWay: false,
    says: 'Storage is nearly full: 96 MB are left.',
    todo: 'Connect the device to the network so that results are sent, and tell the person who looks after it.',
  },
  {
    what: 'a clock that may be wrong',
    state: wrong(
      itemOf('clock', {
        severity: 'warning',
        message: 'clock.unsynchronised',
        remedy: 'remedy.clock.network',
      }),
    ),
    isInTheWay: false,
    says: 'The clock may be wrong: nothing has set it.',
    todo: 'Connect the device to the network once: it sets its clock by itself.',
  },
  {
    what: 'a dead card',
    state: wrong(
      itemOf('card', {
        severity: 'warning',
        message: 'card.lost',
        remedy: 'remedy.card.service',
        code: 'CARD_TIMEOUT',
      }),
    ),
    isInTheWay: false,
    says: 'The card has failed. The processor reads in its place: the same answers, a little later.',
    todo: 'Go on working. Tell the person who looks after the device.',
  },
  {
    what: 'an update that failed',
    state: wrong(
      itemOf('update', { severity: 'warning', message: 'update.failed', remedy: 'remedy.update.retry' }),
    ),
    isInTheWay: false,
    says: 'The update failed. The device goes on with the version before.',
    todo: 'Nothing to do now: it is tried again. If it fails again, tell the person who looks after the device.',
  },
  {
    what: 'an answer that the gate does not let the device learn',
    state: taughtState(outcomeOf('refused')),
    isInTheWay: true,
    says: 'Recorded: Melanocytic nevus',
    todo: 'Your answer stands. The device does not change its readings for it, because it would then read others worse.',
  },
  {
    what: 'a frame that shows no lesion',
    state: retakeState('out-of-scope'),
    isInTheWay: true,
    says: 'No skin lesion was recognised.',
    todo: 'Aim at the lesion: it should lie in the middle of the circle.',
  },
  {
    what: 'a journal that stops',
    state: restingState({
      ending: { code: 'JOURNAL_IO', message: 'fault.storage', remedy: 'remedy.storage.service' },
    }),
    isInTheWay: true,
    says: 'The journal of results stops: nothing can be recorded.',
    todo: 'Stop working with this device and call the person who looks after it. The medium may be worn out.',
  },
];

describe.skipIf(!hasChromium)('of what is wrong the page says what it is and what to do', () => {
  const { tell, press, see, ...screen } = withParts();

  it.each(CONDITIONS)('with $what', async ({ state, isInTheWay, says, todo }) => {
    await tell(state);
    if (!isInTheWay) {
      await see('1 problem');
      await press('1 problem');
    }
    await see(says);
    await see(todo);
    await see('Research only – not a medical device');
  });

  it('with a device that no longer answers: nothing of what was shown stays', async () => {
    await tell(retakeState('dark'));
    screen.cut();
    await see('The screen has lost the device');
    expect(await screen.text()).not.toContain('It is too dark.');
    await screen.listen();
    await see('It is too dark.');
  });

  it('with a device that hangs, and leaves its connections open', async () => {
    await tell(retakeState('dark'));
    screen.hang();
    await see('The screen has lost the device');
    screen.goOn();
    await see('It is too dark.');
  });

  it('with a camera that stops: within half a second of its last frame the view is blank', async () => {
    await see('Sharp and well lit');
    const stalledAt = screen.stall();
    await see('The last picture is older than half a second and is not shown.');
    expect(performance.now() - stalledAt).toBeGreaterThan(300);
    expect(await screen.hasPixels()).toBe(false);
  });
});

/** The page, and what these tests do to its device. */
function withParts() {
  const screen = withPage();
  return {
    tell: screen.tell,
    press: screen.press,
    see: screen.see,
    cut: () => screen.device.cut(),
    hang: () => screen.device.hang(),
    goOn: () => screen.device.reset(),
    listen: () => screen.device.listen(),
    text: () => screen.page.locator('main').innerText(),
    stall: () => {
      screen.device.stall();
      return performance.now();
    },
    hasPixels: () =>
      screen.page.evaluate<boolean>(`(() => {
        const canvas = document.querySelector('.picture canvas');
        const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
        return data.some((value) => value !== 0);
      })()`),
  };
}
