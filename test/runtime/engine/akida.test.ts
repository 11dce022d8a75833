/** The backend `akida`: the addon, the vendor's engine in it, and at the end of a socket a card that is played. */
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { akidaProgramOf } from '../../../src/model/bundle/akida-programs-section.ts';
import type { ModelBundle } from '../../../src/model/bundle/bundle.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { elementCount } from '../../../src/model/graph.ts';
import { nativeAddon } from '../../../src/native/addon.ts';
import type { DeviceProgram, Engine } from '../../../src/runtime/engine/contract.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { replayGolden } from '../../../src/runtime/engine/golden.ts';
import { openNative } from '../../../src/runtime/engine/native-engine.ts';
import { openModel } from '../../../src/runtime/engine/open-model.ts';
import { cardAddonOrNull } from '../../support/akida-device/addon.ts';
import { PlayedCard } from '../../support/akida-device/card.ts';
import type { FaultKind } from '../../support/akida-device/faults.ts';
import { Random } from '../../support/random.ts';

const MODEL = 'models/qana-akd1000.spikescope';
const addon = cardAddonOrNull();
if (addon !== null) process.env.SPIKESCOPE_ADDON = addon;

/** Each with the code by which it is known, and whether it can only show when the card is opened. */
const FAULTS: readonly (readonly [FaultKind, code: string])[] = [
  ['dead', 'DEVICE_DEAD'],
  ['timeout', 'DEVICE_TIMEOUT'],
  ['silent', 'DEVICE_TIMEOUT'],
  ['short-transfer', 'DEVICE_TRANSFER'],
  ['unplugged', 'DEVICE_GONE'],
  ['register', 'DEVICE_REGISTER'],
  ['full-queue', 'DEVICE_QUEUE'],
  ['stale-job', 'DEVICE_STALE'],
  ['unknown-job', 'DEVICE_JOB'],
  ['event-outside', 'DEVICE_EVENT'],
  ['too-many-words', 'DEVICE_OUTPUT'],
];

/** Registers: both input controllers set going or halted, the queue's length and place, the last job, its end cleared. */
const ONE_IMAGE = [
  'r 0xfcc28000',
  'w 0xfcc28000',
  'r 0xfcc20000',
  'w 0xfcc20000',
  'r 0xfcc2800c',
  'r 0xfcc28004',
  'w 0xfcc28004',
  'r 0xfcc28010',
  'r 0xfcc28024',
  'w 0xfcc28024',
];

/** Where the registers of neural processors lie in a program: blocks of 50 words behind a header, for memory 8. */
function registersIn(data: Uint8Array): number[] {
  const view = new DataView(data.buffer, data.byteOffset, data.byteLength);
  const found: number[] = [];
  for (let at = 0; at + 8 <= data.length; at += 4) {
    const isForRegisters = (view.getUint32(at, true) & 0xff) === 8;
    if (isForRegisters && view.getUint32(at + 4, true) === 50 << 16) found.push(at + 8);
  }
  return found;
}

describe.skipIf(addon === null)('the card', () => {
  let bundle: ModelBundle;
  let program: DeviceProgram;
  let card: PlayedCard;

  beforeAll(async () => {
    bundle = await readBundle(MODEL);
    const shipped = akidaProgramOf(bundle, 'akd1000', 'backbone');
    if (shipped === null) throw new Error(`${MODEL} has no program for the card`);
    program = { info: shipped.info.slice(), data: shipped.data.slice() };
    card = await PlayedCard.play(MODEL);
  });
  afterEach(() => card?.set(null));
  afterAll(() => card?.end());

  const open = (changes: object = {}) =>
    openNative('akida', bundle.graph, { device: card.device, program, ...changes });
  const images = (count: number, seed = 1) =>
    new Random(seed).bytes(count * elementCount(bundle.graph.input.shape));

  async function closed<Result>(engine: Engine, work: (engine: Engine) => Promise<Result>): Promise<Result> {
    try {
      return await work(engine);
    } finally {
      await engine.close();
    }
  }

  it('answers the golden inputs bit for bit, and says what it is', async () => {
    await closed(await open(), async (engine) => {
      await replayGolden(bundle, engine);
      expect([engine.backend, engine.instructionSet]).toEqual(['akida', 'AKD1000']);
    });
  });

  it('is found by its name in the environment, and opened with what the bundle carries', async () => {
    process.env.SPIKESCOPE_AKIDA_DEVICE = card.device;
    const { engine } = await openModel(MODEL, { backend: 'akida' });
    expect(engine.instructionSet).toBe('AKD1000');
    await engine.close();
    delete process.env.SPIKESCOPE_AKIDA_DEVICE;
    await expect(openModel(MODEL, { backend: 'akida' })).rejects.toMatchObject({ code: 'BACKEND_ABSENT' });
  });

  it('says which chip it is, and whether its core is dead', async () => {
    const identification = nativeAddon().cardIdentification;
    expect(identification?.(card.device)).toBe(0xbc00_0002);
    await card.set({ kind: 'dead' });
    expect(identification?.(card.device)).toBe(0xffff_ffff);
  });

  it('takes one image in one order of accesses', async () => {
    await closed(await open(), async (engine) => {
      await card.trace();
      await engine.infer(images(1));
      const accesses = (await card.trace()).filter(({ addr }) => addr.startsWith('0xfcc'));
      const polled = accesses.filter(
        ({ addr }, i) => addr !== accesses[i - 1]?.addr || addr !== '0xfcc28010',
      );
      expect(polled.map(({ op, addr }) => `${op} ${addr}`)).toEqual(ONE_IMAGE);
    });
  });

  it('is configured with exactly the bundle’s weights, thresholds, steps and shapes', async () => {
    await closed(await open(), (engine) => engine.infer(images(1)));
    const { readBack, problem } = await card.state();
    expect(problem).toBeNull();
    const names = bundle.graph.nodes.filter(({ op }) => op === 'convolution').map(({ name }) => name);
    expect(readBack).toEqual(
      names.map((name) => ({ name, weights: 0, thresholds: 0, steps: 0, geometry: 0 })),
    );
  });

  it('shows a weight that was packed wrongly', async () => {
    const data = program.data.slice();
    // A nibble of the last track's weights: behind two blocks' headers and the registers.
    data[data.length - 40_000] ^= 0x11;
    await closed(await open({ program: { ...program, data } }), (engine) => engine.infer(images(1)));
    const { readBack } = await card.state();
    expect(readBack?.reduce((sum, { weights }) => sum + weights, 0)).toBeGreaterThan(0);
  });

  it.each([
    ['a pool', 27],
    ['a stride', 20],
    ['the size of a map', 8],
    ['a number of bits', 3],
  ])('shows %s that is not the bundle’s', async (_, register) => {
    const data = program.data.slice();
    const word = registersIn(data)[0] + 4 * register;
    // Of the pool's side, the stride, the map's width and the bits of the input the lowest place that is one or more.
    data[register === 20 ? word + 1 : word] ^= 1;
    await closed(await open({ program: { ...program, data } }), (engine) => engine.infer(images(1)));
    const { readBack, problem } = await card.state();
    const differing = readBack?.reduce((sum, { geometry }) => sum + geometry, 0);
    // Of a layer on several processors it is already wrong that they do not agree.
    expect(problem === null ? differing : problem).toEqual(
      problem === null ? 1 : expect.stringContaining('do not agree'),
    );
  });

  it('gives embeddings and potentials as the processor does, whatever the size of a batch', async () => {
    const processor = await createCpuEngine(bundle.graph);
    await closed(await open(), async (engine) => {
      for (const count of [1, 15, 17]) {
        const batch = images(count, count);
        expect(await engine.infer(batch)).toEqual(await processor.infer(batch));
      }
    });
    await processor.close();
  });

  it.each(FAULTS)('ends with a code of its own when it is %s in the middle: %s', async (kind, code) => {
    await closed(await open(), async (engine) => {
      const { images: before } = await card.state();
      await card.set({ kind, afterImages: before + 3 });
      // More than fit the queue: some are put into it after the fault has begun.
      await expect(engine.infer(images(20))).rejects.toMatchObject({ code });
      await expect(engine.infer(images(1))).rejects.toMatchObject({ code: 'ENGINE_FAILED' });
    });
    await card.set(null);
    await closed(await open(), (again) => replayGolden(bundle, again));
  });

  it.each([
    ...FAULTS.slice(0, 6),
    ['other-version', 'DEVICE_VERSION'],
    ['no-interrupt', 'DEVICE_INTERRUPT'],
  ] as const)('is not opened when it is %s: %s', async (kind, code) => {
    await card.set({ kind });
    await expect(open()).rejects.toMatchObject({ code });
  });

  it('belongs to one engine at a time', async () => {
    await closed(await open(), async (engine) => {
      await expect(open()).rejects.toMatchObject({ code: 'DEVICE_BUSY' });
      await replayGolden(bundle, engine);
    });
    await (await open()).close();
  });

  it('may die without taking anything else along, and be plugged in again', async () => {
    await closed(await open(), async (engine) => {
      const answer = expect(engine.infer(images(150))).rejects.toMatchObject({ code: 'DEVICE_GONE' });
      await card.kill();
      await answer;
    });
    await expect(open()).rejects.toMatchObject({ code: 'DEVICE_GONE' });
    await card.restart();
    await closed(await open(), (again) => replayGolden(bundle, again));
  });

  it('takes no program but a whole one for this graph', async () => {
    const { info, data } = program;
    const elsewhere = info.slice();
    elsewhere[elsewhere.length - 1] ^= 1;
    for (const wrong of [
      undefined,
      { info: info.subarray(0, 200), data },
      { info, data: data.subarray(4) },
      { info: data, data: info },
      { info: new Uint8Array(0), data },
    ]) {
      await expect(open({ program: wrong })).rejects.toMatchObject({ code: 'DEVICE_PROGRAM', exitCode: 3 });
    }
  });

  it('is led astray by no program', async () => {
    const random = new Random(7);
    for (let i = 0; i < 150; i++) {
      const info = program.info.slice();
      for (let left = random.integer(1, 4); left > 0; left--) {
        info[random.integer(0, info.length - 1)] = random.pick([
          0,
          1,
          0x7f,
          0x80,
          0xff,
          random.integer(0, 255),
        ]);
      }
      // What passes is for this card; opening it is another test's.
      await expect(open({ program: { ...program, info }, device: '/dev/null' })).rejects.toMatchObject({
        code: expect.stringMatching(/^DEVICE_(PROGRAM|TRANSFER)$/),
      });
    }
  });
});
