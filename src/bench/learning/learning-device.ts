import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { HeadInput } from '../../runtime/inference/head.ts';
import type { HoldOutFigures } from '../../runtime/learning/gate.ts';
import { HeadLearner } from '../../runtime/learning/learner.ts';
import { Journal } from '../../store/journal.ts';

/** A device that learns: head, file and journal in a folder of their own; `teach` takes the way of a button press. */
export class LearningDevice {
  readonly learner: HeadLearner;
  readonly #folder: string;
  readonly #journal: Journal;

  private constructor(learner: HeadLearner, folder: string, journal: Journal) {
    this.learner = learner;
    this.#folder = folder;
    this.#journal = journal;
  }

  /**
   * @param parent folder in which that of the device is made. Default: the system's for temporary files
   * @throws SpikescopeError `LEARNING_UNAVAILABLE` when the bundle has no guard set
   */
  static async open(bundle: ModelBundle, parent = tmpdir()): Promise<LearningDevice> {
    const folder = mkdtempSync(path.join(parent, '.spikescope-learning-'));
    const journal = Journal.open(path.join(folder, 'journal.sqlite'));
    const learner = await HeadLearner.open(bundle, { folder, journal });
    if (learner === null) {
      throw new SpikescopeError('LEARNING_UNAVAILABLE', 'The bundle has no guard set', {
        remedy: 'run `spikescope calibrate` on it',
      });
    }
    return new LearningDevice(learner, folder, journal);
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

  close(): void {
    this.#journal.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Whether the figures on the hold-out set lie within the gate's tolerance of one point. */
export function isWithinGate({ factory, now }: { factory: HoldOutFigures; now: HoldOutFigures }): boolean {
  const figures = ['balancedAccuracy', 'sensitivity'] as const;
  return figures.every((figure) => !((factory[figure] ?? 0) - (now[figure] ?? 0) > 0.01 + 1e-9));
}
