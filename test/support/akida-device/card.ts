/** Starts a played card for a test. */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Akida1Device } from '../../../src/model/bundle/akida-programs-section.ts';
import { CARD_MAIN } from './addon.ts';
import type { Fault } from './faults.ts';
import { type Answer, answerSchema, type CardState, type Question, type TracedAccess } from './messages.ts';

const ROOT = process.cwd();
/** As it is built in place. */
const ADDON = path.join(ROOT, 'native/akida-m2/build/Release/spikescope.node');

export class PlayedCard {
  /** Path of the device. */
  readonly device: string;
  readonly #bundle: string;
  readonly #chip: Akida1Device;
  readonly #folder: string;
  #process: ChildProcess;

  private constructor(bundle: string, chip: Akida1Device, folder: string) {
    this.#bundle = bundle;
    this.#chip = chip;
    this.#folder = folder;
    this.device = path.join(folder, 'akida0');
    this.#process = this.#start();
  }

  /** Plays a card for the graph of a bundle. */
  static async play(bundle: string, chip: Akida1Device = 'akd1000'): Promise<PlayedCard> {
    const card = new PlayedCard(bundle, chip, mkdtempSync(path.join(tmpdir(), 'spikescope-card-')));
    await once(card.#process, 'message');
    return card;
  }

  #start(): ChildProcess {
    // The addon that a test looks at is not the one that plays its card, nor are its sanitizers.
    const { LD_PRELOAD: _, ...environment } = process.env;
    return fork(CARD_MAIN, [this.device, this.#bundle, this.#chip], {
      env: { ...environment, SPIKESCOPE_ADDON: ADDON },
      execArgv: [],
    });
  }

  /** SIGKILL, as when it is pulled out of its slot. */
  async kill(): Promise<void> {
    this.#process.kill('SIGKILL');
    await once(this.#process, 'exit');
    rmSync(this.device, { force: true });
  }

  /** A new one at the same path, without faults. */
  async restart(): Promise<void> {
    this.#process = this.#start();
    await once(this.#process, 'message');
  }

  async set(fault: Fault | null): Promise<CardState> {
    return this.#state({ ask: 'fault', fault });
  }

  async state(): Promise<CardState> {
    return this.#state({ ask: 'state' });
  }

  /** Accesses since the last call; the first call begins. */
  async trace(): Promise<readonly TracedAccess[]> {
    const answer = await this.#ask({ ask: 'trace' });
    if (answer.tell !== 'trace') throw new Error('The card answers something else');
    return answer.accesses;
  }

  async #state(question: Question): Promise<CardState> {
    const answer = await this.#ask(question);
    if (answer.tell !== 'state') throw new Error('The card answers something else');
    return answer;
  }

  async #ask(question: Question): Promise<Answer> {
    const answer = once(this.#process, 'message');
    this.#process.send(question);
    const [message]: unknown[] = await answer;
    return answerSchema.parse(message);
  }

  async end(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
