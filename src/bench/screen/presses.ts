/** How long it takes from a press to its reading on the screen, in peace and among hostile requests. */
import { setTimeout as delay } from 'node:timers/promises';
import type { BenchDevice } from './bench-device.ts';
import type { BenchPage } from './bench-page.ts';
import { HostilePeer } from './hostile-peer.ts';
import { rounded, type Spread, spreadOf } from './spread.ts';

/** Milliseconds until the reading is painted: since the press, and since the flow was given the frame. */
export interface PressTimes {
  readonly sincePress: Spread;
  readonly sinceFrame: Spread;
}

/** Presses in peace and among hostile requests, one of each in turn. */
export interface HostileCost {
  readonly requests: number;
  readonly perSecond: number;
  /** By what they were answered. */
  readonly answers: Readonly<Record<string, number>>;
  /** Of either kind. */
  readonly presses: number;
  readonly peaceful: PressTimes;
  readonly hostile: PressTimes;
  /** Of the medians since the press. */
  readonly ratio: number;
}

export type OnShare = (share: number) => void;

/** Presses that are not counted. */
const WARM = 10;
/** Milliseconds for which hostile requests have been going on before a press. */
const LEAD = 100;

class Presses {
  readonly #sincePress: number[] = [];
  readonly #sinceFrame: number[] = [];

  async add(device: BenchDevice, page: BenchPage): Promise<void> {
    const { pressedAt, paintedAt, result } = await page.press();
    const framedAt = (await device.framed()).get(result) ?? Number.NaN;
    this.#sincePress.push(paintedAt - pressedAt);
    this.#sinceFrame.push(paintedAt - framedAt);
  }

  get times(): PressTimes {
    return { sincePress: spreadOf(this.#sincePress), sinceFrame: spreadOf(this.#sinceFrame) };
  }
}

/** @param count presses that are timed */
export async function timePresses(
  device: BenchDevice,
  page: BenchPage,
  count: number,
  onShare: OnShare,
): Promise<PressTimes> {
  const [warm, timed] = [new Presses(), new Presses()];
  for (let i = -WARM; i < count; i++) {
    await page.aims();
    await (i < 0 ? warm : timed).add(device, page);
    await device.undo();
    onShare((i + WARM + 1) / (count + WARM));
  }
  return timed.times;
}

/** Until there were so many presses of either kind, and so many requests. */
export async function timeHostility(
  device: BenchDevice,
  page: BenchPage,
  { presses, requests }: { readonly presses: number; readonly requests: number },
  onShare: OnShare,
): Promise<HostileCost> {
  const peer = new HostilePeer(device.url);
  try {
    const [peaceful, hostile] = [new Presses(), new Presses()];
    let [sent, milliseconds, pairs] = [0, 0, 0];
    let answers: HostileCost['answers'] = {};
    const inPeace = async () => {
      await page.aims();
      await peaceful.add(device, page);
      await device.undo();
    };
    const amongRequests = async () => {
      await page.aims();
      const begin = performance.now();
      peer.go();
      await delay(LEAD);
      await hostile.add(device, page);
      ({ sent, answers } = await peer.pause());
      milliseconds += performance.now() - begin;
      await device.undo();
    };
    for (; pairs < presses || sent < requests; pairs++) {
      // Either is first as often as the other.
      for (const press of pairs % 2 === 0 ? [inPeace, amongRequests] : [amongRequests, inPeace])
        await press();
      onShare(Math.min((pairs + 1) / presses, sent / requests));
    }
    const times = { peaceful: peaceful.times, hostile: hostile.times };
    const ratio = rounded(times.hostile.sincePress.median / times.peaceful.sincePress.median, 2);
    const perSecond = Math.round((1000 * sent) / milliseconds);
    return { requests: sent, perSecond, answers, presses: pairs, ...times, ratio };
  } finally {
    await peer.end();
  }
}
