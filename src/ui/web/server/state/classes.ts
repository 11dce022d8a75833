import {
  type ClassTable,
  classTableOf,
  riskOf,
  watchedClassOf,
} from '../../../../model/bundle/class-table.ts';
import type { Parts } from '../../../../runtime/appliance/parts.ts';
import type { ScreenState } from '../../contract.ts';

/** What a page shows of the model: its classes, and what was measured of its triage before delivery. */
export class ModelSaid {
  readonly #parts: Pick<Parts, 'bundle' | 'learner' | 'model'>;
  readonly #table: ClassTable;

  constructor(parts: Pick<Parts, 'bundle' | 'learner' | 'model'>) {
    this.#parts = parts;
    this.#table = classTableOf(parts.bundle);
  }

  /** Names of all classes, those that were added last. */
  get names(): readonly string[] {
    return this.#parts.learner?.head.classes ?? this.#parts.bundle.graph.classes;
  }

  get classes(): ScreenState['classes'] {
    const { bundle, learner } = this.#parts;
    const benign = learner?.head.benign ?? [];
    return this.names.map((code) => ({
      code,
      names: { ...this.#table.get(code)?.names },
      risk: benign.includes(code) ? 'benign' : riskOf(this.#table, code),
      added: !bundle.graph.classes.includes(code),
    }));
  }

  get model(): ScreenState['model'] {
    const { bundle, learner, model } = this.#parts;
    const { triage } = bundle;
    return {
      name: model.model.name,
      version: model.model.version,
      triage:
        triage === undefined
          ? null
          : {
              sensitivity: triage.expected.sensitivity,
              watchedSensitivity: triage.expected.watchedSensitivity,
              watchedClass: watchedClassOf(this.#table),
              specificity: triage.expected.specificity,
              threshold: triage.threshold,
              lesions: triage.lesions,
            },
      learned: learner !== null && learner.remembered > 0,
    };
  }
}
