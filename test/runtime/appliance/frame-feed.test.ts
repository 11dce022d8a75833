import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { describe, expect, it } from 'vitest';
import type { CaptureSource } from '../../../src/capture/source.ts';
import { FrameFeed } from '../../../src/runtime/appliance/frame-feed.ts';

const endless: CaptureSource = {
  kind: 'replay',
  describe: () => 'one path again and again',
  start() {},
  frameAge: () => null,
  fault: () => null,
  async stop() {},
  async *frames() {
    for (;;) yield { image: 'a.jpg', capturedAt: new Date(), origin: 'a.jpg' };
  },
};

function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  runInNewContext('globalThis.gc')();
}

describe('a source’s frames', () => {
  it('hold nothing of an asking that was answered, also where its signal is made of others', async () => {
    const feed = new FrameFeed(endless, new AbortController().signal);
    const asked: WeakRef<AbortSignal>[] = [];
    for (let i = 0; i < 100; i++) {
      const signal = AbortSignal.any([new AbortController().signal, new AbortController().signal]);
      await feed.next(signal);
      asked.push(new WeakRef(signal));
    }
    await nextTurn();
    collectGarbage();
    const kept = asked.filter((reference) => reference.deref() !== undefined);
    expect(kept.length).toBeLessThan(10);
  });

  it('are not waited for when the asking is given up; the frame that then comes serves the next one', async () => {
    let give = (): void => {};
    const slow: CaptureSource = {
      ...endless,
      async *frames() {
        await new Promise<void>((resolve) => {
          give = resolve;
        });
        yield { image: 'late.jpg', capturedAt: new Date(), origin: 'late.jpg' };
      },
    };
    const feed = new FrameFeed(slow, new AbortController().signal);
    const asking = new AbortController();
    const asked = feed.next(asking.signal);
    asking.abort(new Error('given up'));
    await expect(asked).rejects.toThrow('given up');
    give();
    expect((await feed.next(new AbortController().signal))?.origin).toBe('late.jpg');
  });
});
