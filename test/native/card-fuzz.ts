/**
 * The card under the sanitizers: the vendor's engine as this addon has it, and at the other end of a socket a card that is
 * played. Golden inputs bit for bit; then answers of random bytes, each of which must come to what its bytes say, or to the
 * code of its fault.
 */
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { imageShapeOf } from '../../src/conversion/akida1/layers.ts';
import type { ModelBundle } from '../../src/model/bundle/bundle.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import { writeBundle } from '../../src/model/bundle/write.ts';
import { elementCount, type IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import type { NativeAddon, NativeEngine } from '../../src/native/addon.ts';
import type { DeviceProgram } from '../../src/runtime/engine/contract.ts';
import { PlayedCard } from '../support/akida-device/card.ts';
import type { OutputShape } from '../support/akida-device/chip.ts';
import { expectedOf } from '../support/akida-device/expected-output.ts';
import type { FaultKind } from '../support/akida-device/faults.ts';
import { outputOf, randomSlot } from '../support/akida-device/output.ts';
import { backboneProgram } from '../support/akida-device/program.ts';
import { randomAkida1 } from '../support/akida1.ts';
import { Random } from '../support/random.ts';

/** Whether the addon has the vendor's engine: it then looks for a card. */
export function hasCardEngine(addon: NativeAddon): boolean {
  return addon
    .backends()
    .some(({ kind, detail }) => kind === 'akida' && !detail.includes('AKIDA_ENGINE_DIR'));
}

async function codeOf(answer: Promise<unknown>): Promise<string> {
  try {
    await answer;
    return 'none';
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
}

/** Each with its code; those that end at once. */
const MIDDLE_FAULTS: readonly (readonly [FaultKind, string])[] = [
  ['dead', 'DEVICE_DEAD'],
  ['timeout', 'DEVICE_TIMEOUT'],
  ['short-transfer', 'DEVICE_TRANSFER'],
  ['unplugged', 'DEVICE_GONE'],
  ['unknown-job', 'DEVICE_JOB'],
  ['event-outside', 'DEVICE_EVENT'],
  ['too-many-words', 'DEVICE_OUTPUT'],
  ['full-queue', 'DEVICE_QUEUE'],
  ['stale-job', 'DEVICE_STALE'],
];

/** A bundle of a small network with every kind of layer that the card has. The caller removes the folder. */
export async function writeSmallBundle(): Promise<{ file: string; folder: string }> {
  const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-card-fuzz-'));
  const file = path.join(folder, 'small.spikescope');
  await writeBundle(file, await randomAkida1());
  return { file, folder };
}

/** One network on one played card. */
export class CardFuzz {
  readonly #addon: NativeAddon;
  readonly #graph: IntegerGraph;
  readonly #golden: ModelBundle['golden'];
  readonly #program: DeviceProgram;
  readonly #card: PlayedCard;
  readonly #shape: OutputShape;
  #engine: NativeEngine | null = null;

  private constructor(addon: NativeAddon, bundle: ModelBundle, program: DeviceProgram, card: PlayedCard) {
    this.#addon = addon;
    this.#graph = bundle.graph;
    this.#golden = bundle.golden;
    this.#program = program;
    this.#card = card;
    const [rows, columns, channels] = imageShapeOf(bundle.graph, bundle.graph.head.input);
    this.#shape = { rows, columns, channels };
  }

  static async of(addon: NativeAddon, file: string, python: string): Promise<CardFuzz> {
    const bundle = await readBundle(file);
    const program = await backboneProgram(bundle.graph, python);
    return new CardFuzz(addon, bundle, program, await PlayedCard.play(file));
  }

  #open(): NativeEngine {
    this.#engine ??= this.#addon.createEngine(this.#graph, {
      backend: 'akida',
      device: this.#card.device,
      program: this.#program,
    });
    return this.#engine;
  }

  async #close(): Promise<void> {
    await this.#engine?.close();
    this.#engine = null;
  }

  /** What is wrong with the answers to the golden inputs; null: nothing. */
  async goldenFault(): Promise<string | null> {
    const engine = this.#open();
    const { potentials } = await engine.infer(Buffer.concat(this.#golden.map(({ input }) => input)));
    const expected = this.#golden.flatMap((golden) => [...golden.potentials]);
    return expected.every((value, i) => value === potentials[i]) ? null : 'golden inputs differ';
  }

  /** What is wrong with a fault's code, when it comes in the middle of a batch; null: nothing. */
  async faultFault(seed: number): Promise<string | null> {
    const [kind, code] = MIDDLE_FAULTS[seed % MIDDLE_FAULTS.length];
    const engine = this.#open();
    const { images } = await this.#card.state();
    await this.#card.set({ kind, afterImages: images + (seed % 5) });
    const found = await codeOf(engine.infer(new Uint8Array(8 * elementCount(this.#graph.input.shape))));
    await this.#close();
    await this.#card.set(null);
    return found === code ? null : `${kind} is ${found}`;
  }

  /** One answer of random bytes. */
  async slotFault(seed: number): Promise<string | null> {
    const image = new Random(seed).bytes(elementCount(this.#graph.input.shape));
    const { embedding } = interpret(this.#graph, image);
    const slot = randomSlot(outputOf(embedding, this.#shape), this.#shape, new Random(seed));
    const expected = expectedOf(slot, this.#shape);
    const engine = this.#open();
    await this.#card.set({ kind: 'random-output', seed });
    const answer = engine.infer(image);
    const code = await codeOf(answer);
    if (code !== 'none') {
      await this.#close();
      return code === expected ? null : `${code} instead of ${String(expected)}`;
    }
    if (typeof expected === 'string') return `an answer that is ${expected} was taken`;
    return Buffer.from(expected).equals((await answer).embeddings)
      ? null
      : 'an embedding is not what the answer says';
  }

  async end(): Promise<void> {
    await this.#close();
    await this.#card.end();
  }
}
