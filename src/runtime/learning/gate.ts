/** Whether the learned head may be used: what it may lose on cases of the bundle that nothing is ever learned from. */
import type { HoldOutFigures, HoldOutJudgement } from './hold-out.ts';

/** How much any figure may lie below the factory head's: one point. */
export const TOLERANCE = 0.01;

/** Of sums of shares. */
const ROUNDING = 1e-9;

const FIGURES = [
  'balancedAccuracy',
  'sensitivity',
  'triageSensitivity',
  'watchedTriageSensitivity',
] as const satisfies readonly (keyof HoldOutFigures)[];
type Figure = (typeof FIGURES)[number];

/** What a head would lose. */
interface Loss {
  readonly figure: Figure;
  readonly factory: number;
  readonly learned: number;
  readonly allowed: number;
}

export interface GateOptions {
  /** What one case alone can take from each figure. */
  readonly grain: HoldOutFigures;
  readonly watchedClass: string | null;
}

/**
 * Why a head must not be used, in words for a person; null when it may. The comparison is with the factory head, not with
 * the head before, so that many small losses do not add up.
 *
 * Smoothed figures may lose the tolerance. Counted ones may lose it too, or what one case can take where that is more: a
 * small hold-out set cannot tell a loss of one point from that of one photograph, the smoothed figures can.
 */
export function gateCheck(
  factory: HoldOutJudgement,
  learned: HoldOutJudgement,
  options: GateOptions,
): string | null {
  return (
    keptGateCheck(factory, learned, options) ?? words(lossesOf(factory.smoothed, learned.smoothed), options)
  );
}

/**
 * The same for a head that was kept before, perhaps when only counted figures were asked for: it is held to those.
 */
export function keptGateCheck(
  factory: Pick<HoldOutJudgement, 'counted'>,
  learned: Pick<HoldOutJudgement, 'counted'>,
  options: GateOptions,
): string | null {
  return words(lossesOf(factory.counted, learned.counted, options.grain), options);
}

/** Losses that are larger than allowed, the largest first. */
function lossesOf(factory: HoldOutFigures, learned: HoldOutFigures, grain?: HoldOutFigures): Loss[] {
  const losses = FIGURES.flatMap((figure): Loss[] => {
    const [before, after] = [factory[figure] ?? null, learned[figure] ?? null];
    if (before === null || after === null) return [];
    const allowed = Math.max(TOLERANCE, grain?.[figure] ?? 0);
    return before - after > allowed + ROUNDING ? [{ figure, factory: before, learned: after, allowed }] : [];
  });
  const size = ({ factory: before, learned: after }: Loss) => before - after;
  return losses.sort((a, b) => size(b) - size(a));
}

function words([largest]: readonly Loss[], { watchedClass }: GateOptions): string | null {
  if (largest === undefined) return null;
  const { figure, factory, learned, allowed } = largest;
  const what: Readonly<Record<Figure, string>> = {
    balancedAccuracy: 'name the class rightly',
    sensitivity: `recognise ${watchedClass}`,
    triageSensitivity: 'refer malignant lesions',
    watchedTriageSensitivity: `refer ${watchedClass}`,
  };
  return (
    `having learned it, the device would ${what[figure]} in ${percent(learned)} instead of ${percent(factory)} of its own ` +
    `check images: ${points(factory - learned)} less, and at most ${points(allowed)} may be lost`
  );
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}

/** A difference of shares. */
function points(difference: number): string {
  // Upwards, so that a loss that is too large never reads like one that is not.
  const number = (Math.ceil(1000 * (difference - ROUNDING)) / 10).toFixed(1);
  return number === '1.0' ? '1 point' : `${number} points`;
}
