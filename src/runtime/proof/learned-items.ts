/** What becomes of what this device reports and has learned, tried without changing anything. */
import { SpikescopeError } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { ProofItem } from '../../updates/install/contract.ts';
import { largestIndex } from '../inference/readout.ts';
import { correctedPotentials } from '../learning/correction.ts';
import { learnedNow } from '../learning/kept-state.ts';
import { type Refit, refit } from '../learning/refit.ts';
import type { HeadAndMemory } from '../learning/state.ts';
import type { Demands } from './protocol.ts';

/** What was learned with the model in use, and what a refit to the new one comes to, or why it waits. */
export interface Replay {
  readonly learned: HeadAndMemory | null;
  readonly outcome: Refit | string;
}

/** @param data the data folder */
export async function replayOf(
  bundle: ModelBundle,
  current: ModelBundle | null,
  data: string | null,
  { learning = 'refit' }: Demands,
): Promise<Replay> {
  if (current === null || data === null) return { learned: null, outcome: 'what was learned is not known' };
  if (current.digest === bundle.digest) return { learned: null, outcome: 'the model stays the same' };
  try {
    const learned = await learnedNow(data, current);
    if (learned === null || learned.memory.length === 0)
      return { learned: null, outcome: 'nothing was learned' };
    if (learning === 'park') return { learned, outcome: 'it waits for its model: the release says so' };
    const outcome = refit(learned, current, bundle);
    return { learned, outcome: typeof outcome === 'string' ? `it waits for its model: ${outcome}` : outcome };
  } catch (error) {
    // A head that cannot be read does not read now either.
    if (!(error instanceof SpikescopeError)) throw error;
    return { learned: null, outcome: `what was learned cannot be read [${error.code}]` };
  }
}

/** The share of the taught cases that the head of after the update names as they were taught; null where it waits. */
export function learnedItem({ learned, outcome }: Replay): ProofItem {
  const name = 'learned';
  if (learned === null || typeof outcome === 'string') {
    return { name, passed: true, measured: null, required: String(outcome) };
  }
  const [before, after] = [rightShare(learned), rightShare(outcome)];
  const required =
    `${outcome.memory.length} cases are fitted again within the new model’s gate; ` +
    `of them ${percent(before)} are named as they were taught now, ${percent(after)} then`;
  return { name, passed: true, measured: after, required };
}

/**
 * Each class that the device reports now must be one that it reports then. A class that was added here is, where it is
 * fitted again; where it would wait with what was learned, the release must say that it may.
 */
export function classesItem(
  bundle: ModelBundle,
  current: ModelBundle | null,
  { learned, outcome }: Replay,
  { learning }: Demands,
): ProofItem {
  const name = 'classes';
  if (current === null)
    return { name, passed: true, measured: null, required: 'the model in use is not known' };
  const reported = learned?.correction.classes ?? current.graph.classes;
  const added = reported.slice(current.graph.classes.length);
  const kept = new Set(typeof outcome === 'string' ? bundle.graph.classes : outcome.correction.classes);
  const missing = reported.filter((each) => !kept.has(each));
  const lost = learning === 'park' ? missing.filter((each) => !added.includes(each)) : missing;
  const waiting = missing.filter((each) => !lost.includes(each));
  const required = [
    `each of the ${reported.length} classes that are reported now`,
    ...(lost.length > 0 ? [`missing: ${lost.join(', ')}`] : []),
    ...(lost.some((each) => added.includes(each))
      ? ['a release that has what was learned wait says `park`']
      : []),
    ...(waiting.length > 0
      ? [`waiting for the model in use, as the release allows: ${waiting.join(', ')}`]
      : []),
  ];
  return {
    ...{ name, passed: lost.length === 0, measured: 1 - missing.length / reported.length },
    required: required.join('; '),
  };
}

function rightShare({ correction, memory }: HeadAndMemory): number {
  const isRight = ({ pooled, potentials, label }: HeadAndMemory['memory'][number]) =>
    largestIndex(correctedPotentials(correction, potentials, pooled)) === label;
  return memory.filter(isRight).length / memory.length;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
