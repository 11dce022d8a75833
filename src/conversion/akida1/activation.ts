/**
 * The activation of Akida 1.0, and whether one computes what a requantisation does:
 *
 *   y = clip(⌈(potential − threshold) / (step / 16)⌉, 0, levels)
 *
 * Threshold and step are integers: the chip keeps four fraction bits of a step. The potential is the bare sum
 * Σ weight × value; bias and the input's zero point lie in the threshold.
 */
import { STEPS_PER_POTENTIAL } from '../../model/bundle/akida1-section.ts';
import { clip, requantise } from '../../model/requantise.ts';

/** Sixteenths, of one output channel. */
export interface ChipActivation {
  readonly threshold: number;
  /** In sixteenths of a potential. */
  readonly step: number;
}

/** Largest step, in sixteenths. */
const LARGEST_STEP = 65_535 * STEPS_PER_POTENTIAL;

/** What the chip answers: an integer in 0…`levels`. */
export function activate(potential: number, { threshold, step }: ChipActivation, levels: number): number {
  return clip(Math.ceil(((potential - threshold) * STEPS_PER_POTENTIAL) / step), 0, levels);
}

/** One output channel of a layer as the integer graph has it, behind a bounded ReLU with zero point 0. */
export interface Channel {
  readonly multiplier: number;
  readonly shift: number;
  /** Accumulator − potential: the bias less what the input's zero point takes. */
  readonly offset: number;
  /** Largest value of the output. */
  readonly maximum: number;
  /** Potentials that inputs within their ranges can cause, both included. */
  readonly reach: { readonly least: number; readonly most: number };
}

/** Largest output that the bits of the chip hold, of 1, 2 or 4 bits. */
export function levelsFor(maximum: number): number {
  if (maximum <= 1) return 1;
  return maximum <= 3 ? 3 : 15;
}

/** The least potential at which the output is `level` or more; ∞ where none is. */
export function crossing({ multiplier, shift, offset }: Channel, level: number): number {
  const narrowed = Math.ceil(((2 * level - 1) * 2 ** 14) / multiplier);
  if (narrowed > 32_767) return Number.POSITIVE_INFINITY;
  return narrowed * 2 ** shift - (shift === 0 ? 0 : 2 ** (shift - 1)) - offset;
}

/** The least potential at which the chip answers `level` or more. */
function chipCrossing({ threshold, step }: ChipActivation, level: number): number {
  return threshold + Math.floor((step * (level - 1)) / STEPS_PER_POTENTIAL) + 1;
}

/** An activation that crosses every level where the channel does, as far as potentials reach; null where none does. */
export function activationOf(channel: Channel): ChipActivation | null {
  const { least, most } = channel.reach;
  const levels = levelsFor(channel.maximum);
  const crossings = Array.from({ length: levels }, (_, i) =>
    i < channel.maximum ? crossing(channel, i + 1) : Number.POSITIVE_INFINITY,
  );
  const agrees = (activation: ChipActivation) =>
    crossings.every((at, i) => {
      const chip = chipCrossing(activation, i + 1);
      return at <= least ? chip <= least : at > most ? chip > most : chip === at;
    });
  const passed = crossings.filter((at) => at <= least).length;
  const reached = crossings.filter((at) => at > least && at <= most);
  const anchor = anchorOf(passed, reached, channel.reach);
  for (const step of stepsFor(reached, channel)) {
    const rise = Math.floor((step * (anchor.level - 1)) / STEPS_PER_POTENTIAL);
    const activation = { threshold: anchor.at - 1 - rise, step };
    if (agrees(activation)) return activation;
  }
  return null;
}

/** A level and the potential at which the chip may cross it: the first that is reached, or one just out of reach. */
function anchorOf(passed: number, reached: readonly number[], { least, most }: Channel['reach']) {
  if (reached.length > 0) return { level: passed + 1, at: reached[0] };
  return passed === 0 ? { level: 1, at: most + 1 } : { level: passed, at: least };
}

/**
 * Steps that may put the last level that is reached where it lies, seen from the first. Of a level that is reached alone,
 * the neighbours must stay out of reach: where the real step does not see to it, one as wide as the reach does.
 */
function stepsFor(
  reached: readonly number[],
  { reach: { least, most }, multiplier, shift }: Channel,
): number[] {
  if (reached.length < 2) {
    const steps = [
      Math.round((STEPS_PER_POTENTIAL * 2 ** (15 + shift)) / multiplier),
      (most - least + 1) * STEPS_PER_POTENTIAL,
    ];
    return steps.map((step) => Math.min(step, LARGEST_STEP));
  }
  const distance = reached[reached.length - 1] - reached[0];
  const levels = reached.length - 1;
  const from = Math.max(1, Math.ceil(((distance - 1) * STEPS_PER_POTENTIAL) / levels));
  const to = Math.min(LARGEST_STEP, Math.floor(((distance + 1) * STEPS_PER_POTENTIAL) / levels));
  return Array.from({ length: Math.max(0, to - from + 1) }, (_, i) => from + i);
}

/**
 * The first reachable potential at which the two differ; null where they agree on every one. By exhaustion, through
 * `requantise` itself.
 */
export function firstDifference(channel: Channel, activation: ChipActivation): number | null {
  const { multiplier, shift, offset, maximum, reach } = channel;
  const levels = levelsFor(maximum);
  for (let potential = reach.least; potential <= reach.most; potential++) {
    const expected = requantise(potential + offset, multiplier, shift, 0, 0, maximum);
    if (activate(potential, activation, levels) !== expected) return potential;
  }
  return null;
}
