/** What the screen costs, of a device and a browser in processes of their own. */
import { setTimeout as delay } from 'node:timers/promises';
import { medianOf } from '../median.ts';
import { BenchDevice, CAMERA } from './bench-device.ts';
import { BenchPage, type PageUse } from './bench-page.ts';
import type { MemoryUse } from './messages.ts';
import { type HostileCost, type OnShare, type PressTimes, timeHostility, timePresses } from './presses.ts';
import { rounded } from './spread.ts';

export interface ScreenReport extends PressTimes {
  readonly captures: number;
  readonly hostility: HostileCost;
  readonly viewfinder: ViewfinderCost;
  readonly memory: MemoryCost;
  /** Of one device and one page, over captures. */
  readonly growth: readonly Grown[];
}

export interface ViewfinderCost {
  /** Of the camera. */
  readonly width: number;
  readonly height: number;
  readonly rate: number;
  /** That were drawn in the browser. */
  readonly framesPerSecond: number;
  /** Of one core, 0…1, of the device's process: while the view is shown, and while another is. */
  readonly watched: number;
  readonly unwatched: number;
}

/** Megabytes of a device with a screen over one without, medians of pairs of processes. */
export interface MemoryCost {
  readonly pairs: number;
  /** Of the heap and beside it, after a collection. */
  readonly reachable: number;
  readonly resident: number;
}

export interface Grown {
  readonly captures: number;
  readonly device: MemoryUse;
  readonly page: PageUse;
}

export interface ScreenAmounts {
  /** Presses that are timed. */
  readonly captures: number;
  /** Hostile requests among which as many presses are timed, and between them as many in peace. */
  readonly hostile: number;
  /** For which the viewfinder is watched. */
  readonly seconds: number;
  /** Devices with a screen, and as many without. */
  readonly pairs: number;
  /** Captures after which nothing may have grown. */
  readonly lasting: number;
}

export interface ScreenProgress {
  onStep(stage: string, share: number): void;
  onGrown(grown: Grown): void;
}

/** Seconds that are not counted. */
const WARM = 3;
/** Captures of a device whose memory is measured. */
const CAPTURES_OF_MEMORY = 100;
/** Where presses are many, or are compared with each other alone. */
const SMALL_CAMERA = { width: 640, height: 480, rate: 20 };
/** Captures after which growth is looked at, beside the last one. */
const LOOKS = [100, 1_000, 5_000];

/**
 * @param progress told what is measured and how much of it is done (0…1), and each look at growth as it is taken
 * @throws SpikescopeError `BENCH_BROWSER`, `BENCH_PROCESS`
 */
export async function measureScreen(
  amounts: ScreenAmounts,
  { onStep, onGrown }: ScreenProgress,
): Promise<ScreenReport> {
  const { captures, hostile, seconds, pairs, lasting } = amounts;
  const of =
    (stage: string): OnShare =>
    (share) =>
      onStep(stage, share);
  const timed = await withPage(async (device, page) => ({
    ...(await timePresses(device, page, captures, of('presses'))),
    viewfinder: await measureViewfinder(device, page, seconds),
  }));
  const hostility = await withPage(
    (device, page) =>
      timeHostility(device, page, { presses: captures, requests: hostile }, of('presses among requests')),
    SMALL_CAMERA,
  );
  const memory = await measureMemory(pairs, of('memory'));
  const growth = await withPage(
    (device, page) => measureGrowth(device, page, lasting, { onShare: of('growth'), onGrown }),
    SMALL_CAMERA,
  );
  return { captures, ...timed, hostility, memory, growth };
}

async function withPage<T>(
  measure: (device: BenchDevice, page: BenchPage) => Promise<T>,
  camera = CAMERA,
): Promise<T> {
  const device = await BenchDevice.start({ hasScreen: true, camera });
  try {
    const page = await BenchPage.open(device.url);
    try {
      return await measure(device, page);
    } finally {
      await page.close();
    }
  } finally {
    await device.end();
  }
}

async function measureViewfinder(
  device: BenchDevice,
  page: BenchPage,
  seconds: number,
): Promise<ViewfinderCost> {
  const [capture, status] = [0, 3];
  await page.open(status);
  const unwatched = await shareOfCore(device, seconds);
  await page.open(capture);
  await page.aims();
  const [before, begin] = [await page.drawn(), performance.now()];
  const watched = await shareOfCore(device, seconds);
  const elapsed = performance.now() - begin;
  const framesPerSecond = (1000 * ((await page.drawn()) - before)) / elapsed;
  return { ...CAMERA, framesPerSecond: rounded(framesPerSecond, 1), watched, unwatched };
}

async function shareOfCore(device: BenchDevice, seconds: number): Promise<number> {
  await delay(1000 * WARM);
  const [before, begin] = [await device.cpu(), performance.now()];
  await delay(1000 * seconds);
  const elapsed = performance.now() - begin;
  return rounded(((await device.cpu()) - before) / elapsed, 3);
}

/** With and without in turn, so that what changes on this machine meets both. */
async function measureMemory(pairs: number, onShare: OnShare): Promise<MemoryCost> {
  const [reachable, resident]: [number[], number[]] = [[], []];
  for (let i = 0; i < pairs; i++) {
    const without = await memoryWithout();
    const with_ = await withPage(memoryOf);
    reachable.push(with_.reachable - without.reachable);
    resident.push(with_.resident - without.resident);
    onShare((i + 1) / pairs);
  }
  const median = (values: number[]) => rounded(medianOf(values) / 2 ** 20, 1);
  return { pairs, reachable: median(reachable), resident: median(resident) };
}

async function memoryWithout(): Promise<MemoryUse> {
  const device = await BenchDevice.start({ hasScreen: false });
  try {
    return await memoryOf(device, null);
  } finally {
    await device.end();
  }
}

async function memoryOf(device: BenchDevice, page: BenchPage | null): Promise<MemoryUse> {
  for (let i = 1; i <= CAPTURES_OF_MEMORY; i++) {
    await device.capture();
    await page?.hasShown(i);
    await device.undo();
    await page?.aims(1);
  }
  return device.memory();
}

async function measureGrowth(
  device: BenchDevice,
  page: BenchPage,
  captures: number,
  { onShare, onGrown }: { readonly onShare: OnShare } & Pick<ScreenProgress, 'onGrown'>,
): Promise<Grown[]> {
  const looks = new Set([...LOOKS, captures]);
  const grown: Grown[] = [];
  for (let i = 1; i <= captures; i++) {
    await device.capture();
    await page.hasShown(i);
    await device.undo();
    onShare(i / captures);
    if (!looks.has(i)) continue;
    await page.aims(1);
    const now = { captures: i, device: await device.memory(), page: await page.use() };
    grown.push(now);
    onGrown(now);
  }
  return grown;
}
