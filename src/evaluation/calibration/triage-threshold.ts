/**
 * The threshold of triage, chosen on lesions that the network never learned from, so that of all lesions to come no more
 * than a stated share is missed: conformal risk control (Angelopoulos, Bates, Fisch, Lei, Schuster: Conformal Risk Control,
 * ICLR 2024, theorem 1). It holds in the mean over choices of the validation lesions, for lesions that are drawn alike.
 */

/** One image's malignancy. */
export interface Malignancy {
  /** 0…1. */
  readonly score: number;
  /** Images of one lesion count as one; null stands alone. */
  readonly lesionId: string | null;
}

export interface TriageThreshold {
  readonly threshold: number;
  /** Lesions behind the choice, by group. */
  readonly lesions: Readonly<Record<string, number>>;
}

/**
 * The highest threshold t at which in every group (n R(t) + 1) / (n + 1) ≤ 1 − sensitivity, R(t) being the mean over the
 * group's n lesions of the share of their images with a score below t. Between neighbouring scores it lies halfway.
 * @param groups lesions that must be found, by name: all malignant ones, and those of the watched class
 * @returns 0 where a group is too small to promise anything: then every lesion is referred
 */
export function triageThreshold(
  groups: Readonly<Record<string, readonly Malignancy[]>>,
  sensitivity: number,
): TriageThreshold {
  const counted = Object.entries(groups).map(([name, images]) => ({ name, lesions: scoresByLesion(images) }));
  const limits = counted.map(({ lesions }) => limitOf(lesions, 1 - sensitivity));
  return {
    threshold: Math.min(...limits),
    lesions: Object.fromEntries(counted.map(({ name, lesions }) => [name, lesions.length])),
  };
}

function scoresByLesion(images: readonly Malignancy[]): number[][] {
  const lesions = new Map<string, number[]>();
  images.forEach(({ score, lesionId }, index) => {
    const lesion = lesionId ?? `image ${index}`;
    lesions.set(lesion, [...(lesions.get(lesion) ?? []), score]);
  });
  return [...lesions.values()];
}

/** The highest threshold that keeps the promise for one group. */
function limitOf(lesions: readonly (readonly number[])[], share: number): number {
  const n = lesions.length;
  /** Sum of the lesions' missed shares that is allowed; a rounding error of the shares is none. */
  const allowed = share * (n + 1) - 1 + 1e-9;
  if (allowed < 0) return 0;
  const images = lesions
    .flatMap((scores) => scores.map((score) => ({ score, weight: 1 / scores.length })))
    .sort((a, b) => a.score - b.score);
  let missed = 0;
  for (let i = 0; i < images.length; i++) {
    missed += images[i].weight;
    // Up to here the scores may lie below the threshold; the next one must not.
    if (missed > allowed) return i === 0 ? images[0].score : between(images[i - 1].score, images[i].score);
  }
  return 1;
}

/** A threshold that the higher score reaches and the lower one, unless it is equal, does not. */
function between(low: number, high: number): number {
  return low === high ? low : Math.min((low + high) / 2, high);
}
