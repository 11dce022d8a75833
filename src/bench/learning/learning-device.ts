import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { HeadInput } from '../../runtime/inference/head.ts';
import { TOLERANCE } from '../../runtime/learning/gate.ts';
import { HoldOut, type HoldOutFigures } from '../../runtime/learning/hold-out.ts';
import { HeadLearner } from '../../runtime/learning/learner.ts';
import { Journal } from '../../store/journal.ts';

const FIGURES = ['balancedAccuracy', 'sensitivity', 'triageSensitivity', 'watchedTriageSensitivity'] as const;

/** A device that learns: head, file and journal in a folder of their own; `teach` takes the way of a button press. */
export class LearningDevice {
  readonly learner: HeadLearner;
  readonly #folder: string;
  readonly #journal: Journal;
  readonly #grain: HoldOutFigures;

  private constructor(learner: HeadLearner, folder: string, journal: Journal, grain: HoldOutFigures) {
    this.learner = learner;
    this.#folder = folder;
    this.#journal = journal;
    this.#grain = grain;
  }

  /**
   * @param parent folder in which that of the device is made. Default: the system's for temporary files
   * @throws SpikescopeError `LEARNING_UNAVAILABLE` when the bundle has no guard set
   */
  static async open(bundle: ModelBundle, parent = tmpdir()): Promise<LearningDevice> {
    const folder = mkdtempSync(path.join(parent, '.spikescope-learning-'));
    const journal = Journal.open(path.join(folder, 'journal.sqlite'));
    const learner = await HeadLearner.open(bundle, { folder, journal });
    const { learning } = bundle;
    if (learner === null || learning === undefined) {
      throw new SpikescopeError('LEARNING_UNAVAILABLE', 'The bundle has no guard set', {
        remedy: 'run `spikescope calibrate` on it',
      });
    }
    return new LearningDevice(learner, folder, journal, new HoldOut(bundle, learning).grain);
  }

  get folder(): string {
    return this.#folder;
  }

  /** Class with the largest potential. */
  nameOf({ potentials, pooled }: HeadInput): string {
    const { classes, potentials: read } = this.learner.head;
    const values = read(potentials, pooled);
    return classes[values.indexOf(Math.max(...values))];
  }

  /** @returns whether the update was kept */
  async teach(id: string, headInput: HeadInput, label: string): Promise<boolean> {
    this.learner.observe(id, headInput);
    return (await this.learner.learn({ id }, label, 'button')).kept;
  }

  /** Whether no figure on the hold-out set lies farther below the factory head's than one point or one case. */
  get isWithinGate(): boolean {
    const { factory, now } = this.learner.figures;
    return FIGURES.every((figure) => {
      const allowed = Math.max(TOLERANCE, this.#grain[figure] ?? 0);
      return (factory[figure] ?? 0) - (now[figure] ?? 0) <= allowed + 1e-9;
    });
  }

  close(): void {
    this.#journal.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
