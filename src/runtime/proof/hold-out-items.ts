/** What a model makes of the hold-out set that it brings: computed of its integers, not what it says of itself. */
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { LearningSection } from '../../model/bundle/learning-section.ts';
import { pooledPotentials } from '../../model/pooled-potentials.ts';
import type { ProofItem } from '../../updates/install/contract.ts';
import { noCorrection } from '../learning/correction.ts';
import { caseOf, HoldOut, type HoldOutFigures } from '../learning/hold-out.ts';
import type { Demands } from './protocol.ts';

/**
 * Least correlation, in each class, of the potentials of a hold-out set with those that the head makes of evenly spread
 * sums: heads that the set was made with reach 0.78 and more, no other reaches 0 (docs/design/proof.md).
 */
const LEAST_CORRELATION = 0.4;
/** Of sums of shares. */
const ROUNDING = 1e-9;

/**
 * Whether the set's potentials are those of this head. A bundle holds sums over the places of each embedding: exact where
 * the head weighs all places alike, else within bounds, and correlated.
 */
export function holdOutItem({ graph, learning }: ModelBundle, current: ModelBundle | null): ProofItem {
  const name = 'holdOut';
  if (learning === undefined) {
    const isLost = current?.learning !== undefined;
    const required = isLost
      ? 'a hold-out set, as the model in use has'
      : 'none: neither model has a hold-out set';
    return { name, passed: !isLost, measured: null, required };
  }
  const { impossible, isExact, correlation } = agreement(graph, learning);
  const cases = learning.guard.labels.length + learning.rehearsal.labels.length;
  const possible = `${cases} cases with potentials that this head can make (${impossible} cannot be)`;
  return {
    name,
    passed: impossible === 0 && (isExact || correlation >= LEAST_CORRELATION),
    measured: isExact ? 1 - impossible / cases : correlation,
    required: isExact
      ? possible
      : `${possible}, in each class correlating with its own by ${LEAST_CORRELATION} at least`,
  };
}

function agreement(graph: ModelBundle['graph'], { guard, rehearsal, features }: LearningSection) {
  const potentialsOf = pooledPotentials(graph);
  const [stored, even]: [number[][], number[][]] = [[], []];
  let [impossible, isExact] = [0, true];
  for (const set of [guard, rehearsal]) {
    for (let i = 0; i < set.labels.length; i++) {
      const { pooled, potentials } = caseOf(set, i, features);
      const own = potentialsOf(pooled);
      if (own.some(({ least, most }, c) => potentials[c] < least || potentials[c] > most)) impossible++;
      if (own.some(({ least, most }) => least < most)) isExact = false;
      stored.push([...potentials]);
      even.push(own.map((each) => each.even));
    }
  }
  const [of, by] = [centred(stored), centred(even)];
  const least = Math.min(...graph.classes.map((_, c) => correlationOf(column(of, c), column(by, c))));
  return { impossible, isExact, correlation: least };
}

/** What differs from class to class and from case to case: neither a bias nor a case's brightness is anything in common. */
function centred(rows: readonly number[][]): number[][] {
  const within = rows.map((row) => row.map((value) => value - mean(row)));
  const means = within[0].map((_, c) => mean(column(within, c)));
  return within.map((row) => row.map((value, c) => value - means[c]));
}

function column(rows: readonly number[][], c: number): number[] {
  return rows.map((row) => row[c]);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** −1…1; 0 where either does not vary. */
function correlationOf(a: readonly number[], b: readonly number[]): number {
  const product = (x: readonly number[], y: readonly number[]) =>
    x.reduce((sum, value, i) => sum + value * y[i], 0);
  const scale = Math.sqrt(product(a, a) * product(b, b));
  return scale === 0 ? 0 : product(a, b) / scale;
}

const FIGURES = ['balancedAccuracy', 'triageSensitivity'] as const;

/** What it is held to, and why. */
interface Bound {
  readonly least: number;
  readonly why: string;
}

/** Balanced accuracy and triage sensitivity of the factory head, counted. */
export function figureItems(
  bundle: ModelBundle,
  current: ModelBundle | null,
  { proof }: Demands,
): ProofItem[] {
  const own = judged(bundle);
  const before = current && judged(current);
  return FIGURES.map((name) => {
    const asked = proof?.[name];
    const value = own?.figures[name] ?? null;
    const bounds =
      asked === undefined
        ? [...boundBefore(before, own, name), ...(name === 'triageSensitivity' ? boundOwn(bundle, own) : [])]
        : [{ least: asked, why: 'as the release says' }];
    const missed = bounds.filter(({ least }) => value === null || value < least - ROUNDING);
    const [strictest] = (missed.length > 0 ? missed : bounds).toSorted((a, b) => b.least - a.least);
    const required =
      strictest === undefined
        ? 'nothing is asked'
        : `at least ${strictest.least.toFixed(4)}, ${strictest.why}`;
    return { name, passed: missed.length === 0, measured: value, required };
  });
}

interface Judged {
  readonly figures: HoldOutFigures;
  readonly grain: HoldOutFigures;
}

function judged(bundle: ModelBundle): Judged | null {
  const { learning, graph } = bundle;
  if (learning === undefined) return null;
  const holdOut = new HoldOut(bundle, learning);
  const { counted } = holdOut.judge(noCorrection(graph.classes, learning.features));
  return { figures: counted, grain: holdOut.grain };
}

/** A set cannot tell a loss of less than one of its cases. */
function boundBefore(before: Judged | null, own: Judged | null, name: (typeof FIGURES)[number]): Bound[] {
  const value = before?.figures[name] ?? null;
  if (before === null || value === null) return [];
  const grain = Math.max(before.grain[name] ?? 0, own?.grain[name] ?? 0);
  return [{ least: value - grain, why: `which is one case less than the model in use, ${value.toFixed(4)}` }];
}

function boundOwn({ triage }: ModelBundle, own: Judged | null): Bound[] {
  const grain = own?.grain.triageSensitivity ?? null;
  if (triage === undefined || grain === null) return [];
  const { low } = triage.expected.sensitivity;
  return [{ least: low - grain, why: `which is one case less than the bundle promises, ${low.toFixed(4)}` }];
}
