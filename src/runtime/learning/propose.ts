import { type Correction, LARGEST_POTENTIAL, quantised, realOf } from './correction.ts';
import { type PrototypeOptions, withPrototype } from './prototype.ts';
import { type Example, taught } from './teach.ts';

/** Cases of one update: bounds its time. */
export const LARGEST_BATCH = 192;

/** Old cases that are learned again with each new one: the bundle's and the device's own. */
interface ReplayBuffer {
  readonly bundled: readonly Example[];
  readonly memory: readonly Example[];
}

/**
 * The head that a new case asks for. One of the factory's classes moves the factory's rows, one of an added class only the
 * row of that class: a class that is added takes cases from the others, but does not change how these are told apart.
 */
export function proposed(
  start: Correction,
  { bundled, memory }: ReplayBuffer,
  example: Example,
  options: PrototypeOptions,
): Correction {
  const { label } = example;
  if (label >= start.factoryClasses) {
    const own = [...memory.filter((each) => each.label === label), example];
    return withPrototype(
      start,
      label,
      own.map(({ pooled }) => pooled),
      options,
    );
  }
  const known = memory.filter((each) => each.label < start.factoryClasses);
  return taught(start, chooseExamples(bundled, known, example), options);
}

/**
 * What an update of the factory's rows learns from: the new case, and of the old ones all or, where there are too many, an
 * equal number of each class, drawn by chance.
 * @param random uniform in [0, 1)
 */
export function chooseExamples(
  bundled: readonly Example[],
  memory: readonly Example[],
  example: Example,
  random: () => number = Math.random,
): Example[] {
  const old = [...bundled, ...memory];
  if (old.length < LARGEST_BATCH) return [...old, example];
  const classes = new Map<number, Example[]>();
  for (const each of shuffled(old, random))
    classes.set(each.label, [...(classes.get(each.label) ?? []), each]);
  const chosen: Example[] = [example];
  for (let round = 0; chosen.length < LARGEST_BATCH; round++) {
    for (const members of classes.values()) {
      if (round < members.length && chosen.length < LARGEST_BATCH) chosen.push(members[round]);
    }
  }
  return chosen;
}

function shuffled<T>(values: readonly T[], random: () => number): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [result[i], result[j]] = [result[j], result[i]];
  }
  return result;
}

/** Part of the way from one head to another of the same classes. */
export function interpolated(from: Correction, to: Correction, share: number): Correction {
  const [a, b] = [realOf(from), realOf(to)];
  return quantised(
    {
      weights: a.weights.map((weight, i) => weight + share * (b.weights[i] - weight)),
      bias: a.bias.map((bias, c) => bias + share * (b.bias[c] - bias)),
    },
    to,
  );
}

/** The head with the potentials of these classes raised. @param by in potentials */
export function lifted(correction: Correction, classes: readonly number[], by: number): Correction {
  const bias = correction.bias.map((own, c) =>
    classes.includes(c) ? Math.min(LARGEST_POTENTIAL, own + Math.round(by)) : own,
  );
  return { ...correction, bias };
}
