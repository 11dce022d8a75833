/**
 * What the binding makes of a backend that is not the processor: the echo of native/akida-m2/device/testing, which only
 * builds for tests have. It has a thread of its own, takes fifteen images at once, fails on an image that begins with 255
 * and is silent for good on a pass that begins with 254.
 */
import { elementCount } from '../../src/model/graph.ts';
import { fromNative, type NativeAddon, type NativeEngine } from '../../src/native/addon.ts';
import { randomGraph } from '../support/graphs.ts';
import { Random } from '../support/random.ts';

const FAILS = 255;
const IS_SILENT = 254;

export function hasEcho(addon: NativeAddon): boolean {
  return addon.backends().some(({ kind, deviation }) => kind === 'echo' && deviation !== null);
}

/** One case: what is wrong, or null. */
export async function seamFault(addon: NativeAddon, seed: number): Promise<string | null> {
  const random = new Random(seed);
  const seam = new Seam(addon, seed);
  const cases = [
    () => seam.answers(random.integer(1, 40)),
    () => seam.isAborted(random.integer(1, 40)),
    () => seam.failsInTheMiddle(FAILS, 'DEVICE_FAILED', random.integer(0, 39)),
    () => seam.failsInTheMiddle(IS_SILENT, 'DEVICE_TIMEOUT', 15 * random.integer(0, 2)),
    () => seam.isClosedWhileItFails(),
    () => seam.refusesWhatItLacks(),
  ];
  return cases[seed % cases.length]();
}

class Seam {
  readonly #addon: NativeAddon;
  readonly #graph: ReturnType<typeof randomGraph>;
  readonly #random: Random;

  constructor(addon: NativeAddon, seed: number) {
    this.#addon = addon;
    this.#graph = randomGraph(seed, 4);
    this.#random = new Random(seed);
  }

  #open(options: object = {}): NativeEngine {
    return this.#addon.createEngine(this.#graph, { backend: 'echo', ...options });
  }

  /** Images that begin with 0, so that the device stands them. */
  #images(count: number): Uint8Array {
    const size = elementCount(this.#graph.input.shape);
    const images = this.#random.bytes(count * size);
    for (let image = 0; image < count; image++) images[image * size] = 0;
    return images;
  }

  async #isRight(engine: NativeEngine, count: number): Promise<boolean> {
    const size = elementCount(this.#graph.input.shape);
    const images = this.#images(count);
    const { potentials } = await engine.infer(images);
    const classes = this.#graph.classes.length;
    const sum = (image: number) =>
      images.subarray(image * size, (image + 1) * size).reduce((total, value) => total + value, 0);
    return potentials.every((value, i) => value === sum(Math.floor(i / classes)) + (i % classes));
  }

  async answers(count: number): Promise<string | null> {
    const engine = this.#open();
    const right = await Promise.all([this.#isRight(engine, count), this.#isRight(engine, 1)]);
    const named = engine.backend === 'echo' && engine.instructionSet === 'echo' && engine.arenaBytes > 0;
    await engine.close();
    if (!named) return 'it does not say what it is';
    return right.every(Boolean) ? null : 'a batch has a wrong result';
  }

  async isAborted(count: number): Promise<string | null> {
    const engine = this.#open();
    const calls = [1, 2].map((ticket) => codeOf(engine.infer(this.#images(count), undefined, ticket)));
    engine.cancel(2);
    engine.cancel(1);
    const [first, second] = await Promise.all(calls);
    const goesOn = await this.#isRight(engine, 3);
    await engine.close();
    if (!['none', 'ABORTED'].includes(first) || second !== 'ABORTED') return `aborted: ${first}, ${second}`;
    return goesOn ? null : 'it does not go on after an abort';
  }

  /** The call that fails has the device's code; what waits and what comes later has to open it anew. */
  async failsInTheMiddle(marker: number, code: string, image: number): Promise<string | null> {
    const engine = this.#open();
    const images = this.#images(40);
    images[image * elementCount(this.#graph.input.shape)] = marker;
    const codes = await Promise.all([engine.infer(images), engine.infer(this.#images(1))].map(codeOf));
    codes.push(await codeOf(Promise.resolve().then(() => engine.infer(this.#images(1)))));
    await engine.close();
    const again = this.#open();
    const recovered = await this.#isRight(again, 2);
    await again.close();
    if (codes.join() !== `${code},ENGINE_FAILED,ENGINE_FAILED`) return `after a failure: ${codes.join()}`;
    return recovered ? null : 'it does not work when opened anew';
  }

  async isClosedWhileItFails(): Promise<string | null> {
    const engine = this.#open();
    const images = this.#images(16);
    images[0] = FAILS;
    const calls = [images, this.#images(1)].map((batch) => codeOf(engine.infer(batch)));
    await engine.close();
    const codes = await Promise.all(calls);
    return codes.join() === 'DEVICE_FAILED,ENGINE_FAILED' ? null : `closed while failing: ${codes.join()}`;
  }

  async refusesWhatItLacks(): Promise<string | null> {
    const engine = this.#open();
    const image = this.#images(1);
    const codes = await Promise.all(
      [
        () => engine.trace(image),
        () => engine.profile(image, 1),
        () => this.#open({ threads: 2 }),
        () => this.#open({ keepTensors: true }),
        () => this.#open({ instructionSet: 'scalar' }),
      ].map((call: () => unknown) => codeOf(Promise.resolve().then(call))),
    );
    await engine.close();
    const wrong = codes.filter((code) => code !== 'BACKEND_UNSUPPORTED');
    return wrong.length === 0 ? null : `what it lacks was ${codes.join()}`;
  }
}

async function codeOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return 'none';
  } catch (error) {
    const known = fromNative(error);
    return known instanceof Error && 'code' in known ? String(known.code) : String(known);
  }
}
