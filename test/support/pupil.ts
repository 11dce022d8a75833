import type { ModelBundle } from '../../src/model/bundle/bundle.ts';
import type { Risk } from '../../src/model/bundle/class-table-section.ts';
import type { HeadInput } from '../../src/runtime/inference/head.ts';
import { HeadLearner, type LearnerOptions } from '../../src/runtime/learning/learner.ts';

/** A learner that is shown cases one by one, and says what it set aside. */
export class Pupil {
  readonly learner: HeadLearner;
  /** Fault codes and the names that files got: two entries for each file. */
  readonly setAside: string[];
  #number = 0;

  private constructor(learner: HeadLearner, setAside: string[]) {
    this.learner = learner;
    this.setAside = setAside;
  }

  static async open(bundle: ModelBundle, options: LearnerOptions, setAside: string[] = []): Promise<Pupil> {
    const learner = await HeadLearner.open(bundle, {
      ...options,
      onSetAside: ({ code }, movedTo) => setAside.push(code, movedTo ?? 'left in its place'),
    });
    if (learner === null) throw new Error('this bundle cannot learn');
    return new Pupil(learner, setAside);
  }

  async teach(headInput: HeadInput, label: string, id = `case-${this.#number++}`, risk?: Risk) {
    this.learner.observe(id, headInput);
    return this.learner.learn({ id }, label, 'keyboard', risk);
  }
}
