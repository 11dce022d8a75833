import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Correction } from './correction.ts';
import { gateCheck } from './gate.ts';
import type { HoldOut, HoldOutFigures, HoldOutJudgement } from './hold-out.ts';
import { interpolated, lifted } from './propose.ts';

/** Shares of an update's way that are tried before it is given up. */
const STEP_SIZES = [1, 0.5, 0.25] as const;
/** Logits by which the malignant classes are raised where an update would refer fewer of their cases. */
const LIFTS = [0, 0.2, 0.4] as const;

/** By what a head is judged. */
export interface Bench {
  readonly bundle: Pick<ModelBundle, 'graph' | 'triage' | 'readout'>;
  readonly holdOut: HoldOut;
  /** Of the bundle's own head. */
  readonly factory: HoldOutJudgement;
}

/** What became of the way to a head. */
export interface LineSearch {
  /** Null where the gate objects to every part of the way. */
  readonly kept: Correction | null;
  readonly share: number;
  /** Logits. */
  readonly lift: number;
  /** Of the head that is kept, or of the first that was turned down. */
  readonly figures: HoldOutFigures;
  /** Why that one was turned down. */
  readonly reason: string | null;
}

/** The longest part of the way from `start` to `target` to which the gate does not object. */
export function lineSearch(
  start: Correction,
  target: Correction,
  { bundle, holdOut, factory }: Bench,
): LineSearch {
  const malignant = malignantOf(bundle);
  let first: { figures: HoldOutFigures; reason: string | null } | null = null;
  for (const [share, lift] of stepsOf(malignant)) {
    const way = share === 1 ? target : interpolated(start, target, share);
    const candidate = lift === 0 ? way : lifted(way, malignant, lift / bundle.readout.alpha);
    const judgement = holdOut.judge(candidate);
    const figures = judgement.counted;
    const reason = gateCheck(factory, judgement, holdOut);
    if (reason === null) return { kept: candidate, share, lift, figures, reason };
    first ??= { figures, reason };
  }
  return {
    kept: null,
    ...{ share: 0, lift: 0 },
    figures: first?.figures ?? factory.counted,
    reason: first?.reason ?? null,
  };
}

function stepsOf(malignant: readonly number[]): (readonly [share: number, lift: number])[] {
  const lifts = malignant.length === 0 ? [0] : LIFTS;
  return STEP_SIZES.flatMap((share) => lifts.map((lift) => [share, lift] as const));
}

/** Indices of the classes that the bundle's triage counts as malignant; none where it does not triage. */
function malignantOf({ graph, triage }: Bench['bundle']): number[] {
  return [...graph.classes.keys()].filter((c) => triage?.malignant.includes(graph.classes[c]));
}
