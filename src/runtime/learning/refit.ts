/**
 * What a device has learned with one model, fitted again to another that has the same embedding: the device's own cases are
 * the same vectors for both, and what the new head makes of them can be computed.
 */
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { classTableOf, riskOf } from '../../model/bundle/class-table.ts';
import type { LearningSection } from '../../model/bundle/learning-section.ts';
import { embeddingDigest } from '../../model/embedding-digest.ts';
import { movedPotentials } from '../../model/pooled-potentials.ts';
import { backgroundOf } from './background.ts';
import { type Correction, noCorrection } from './correction.ts';
import { caseOf, HoldOut, type HoldOutFigures } from './hold-out.ts';
import { labelProblem } from './label.ts';
import { lineSearch } from './line-search.ts';
import { chooseExamples } from './propose.ts';
import { withClass, withPrototype } from './prototype.ts';
import type { HeadAndMemory } from './state.ts';
import { MAXIMUM_CLASSES } from './state-file.ts';
import { type Example, taught } from './teach.ts';

/** Times that the cases are learned at most: as many updates would have come to about the same head. */
const ROUNDS = 8;

/** A head for the new model, within its gate. */
export interface Refit extends HeadAndMemory {
  /** Of the way to the head that the cases ask for. */
  readonly share: number;
  /** Logits by which the malignant classes were raised for triage. */
  readonly lift: number;
  /** On the new model's hold-out set. */
  readonly guard: { readonly factory: HoldOutFigures; readonly proposed: HoldOutFigures };
}

/** @returns why it cannot be, in words for a person; what was learned then waits for its own model */
export function refit(learned: HeadAndMemory, from: ModelBundle, to: ModelBundle): Refit | string {
  const section = to.learning;
  if (section === undefined) return 'the new model has nothing to learn with';
  if (embeddingDigest(from) !== embeddingDigest(to)) return 'the new model has another embedding';
  const moved = movedPotentials(from.graph, to.graph);
  if (moved === null)
    return 'what the new head makes of the cases cannot be told from their pooled embeddings';
  const start = widened(learned.correction, from, to, section);
  if (typeof start === 'string') return start;
  const memory = learned.memory.map(({ pooled, potentials, label }) => ({
    pooled,
    potentials: moved(potentials, pooled),
    label: start.classes.indexOf(learned.correction.classes[label]),
  }));
  const holdOut = new HoldOut(to, section);
  const factory = holdOut.judge(noCorrection(to.graph.classes, section.features));
  const target = targetOf(start, memory, to, section);
  const { kept, share, lift, figures, reason } = lineSearch(start, target, { bundle: to, holdOut, factory });
  if (kept === null) return reason ?? 'it changed nothing';
  return {
    ...{ correction: kept, memory, share, lift },
    guard: { factory: factory.counted, proposed: figures },
  };
}

/** The new model's own head with the classes that this device has added and that the model does not bring. */
function widened(
  { classes, factoryClasses, benign }: Correction,
  from: ModelBundle,
  to: ModelBundle,
  { features }: LearningSection,
): Correction | string {
  const table = classTableOf(to);
  let wider = noCorrection(to.graph.classes, features);
  for (const name of classes.slice(factoryClasses)) {
    const wasBenign = benign.includes(name);
    if (to.graph.classes.includes(name)) {
      if (wasBenign === (riskOf(table, name) === 'benign')) continue;
      return `the new model takes the risk of ${name} otherwise than it was said on this device`;
    }
    const problem = labelProblem(name, wider.classes, { table });
    if (problem !== null) return `${name}, which was added on this device, cannot be added to the new model`;
    if (wider.classes.length >= MAXIMUM_CLASSES) return `${name} would be one class too many`;
    wider = withClass(wider, name, to.readout.alpha, wasBenign);
  }
  const lost = from.graph.classes.filter((name) => !wider.classes.includes(name));
  return lost.length === 0 ? wider : `the new model does not know ${lost.join(', ')}`;
}

/** The head that the cases ask for, all of them equally old. */
function targetOf(
  start: Correction,
  cases: readonly Example[],
  { readout: { alpha } }: ModelBundle,
  section: LearningSection,
): Correction {
  const options = { ...backgroundOf(section), alpha };
  const { rehearsal, features } = section;
  const bundled = Array.from(rehearsal.labels, (_, i) => caseOf(rehearsal, i, features));
  const ofFactory = cases.filter(({ label }) => label < start.factoryClasses);
  const newest = ofFactory.at(-1);
  let target = start;
  if (newest !== undefined) {
    const chosen = chooseExamples(bundled, ofFactory.slice(0, -1), newest);
    for (let round = 0; round < Math.min(ROUNDS, ofFactory.length); round++) {
      target = taught(target, chosen, options);
    }
  }
  for (let label = start.factoryClasses; label < start.classes.length; label++) {
    const own = cases.filter((each) => each.label === label).map(({ pooled }) => pooled);
    if (own.length > 0) target = withPrototype(target, label, own, options);
  }
  return target;
}
