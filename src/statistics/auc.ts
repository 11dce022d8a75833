/**
 * Order of the images by falling score of each class, found once: the bootstrap asks for the area again and again
 * with other weights.
 */
export interface ScoreOrder {
  /** Image indices, highest score first. */
  readonly order: Uint32Array;
  /** The scores in that order. */
  readonly scores: Float64Array;
}

export function orderByScore(scores: Float64Array): ScoreOrder {
  const order = Uint32Array.from(scores, (_, i) => i).sort((a, b) => scores[b] - scores[a]);
  return { order, scores: Float64Array.from(order, (i) => scores[i]) };
}

/**
 * Area under the ROC curve as the rank statistic: the share of (positive, negative) pairs in which the positive has
 * the higher score, equal scores counting one half. Images count `weights[i]` times.
 * @returns 0…1, or null when positives or negatives are absent: then there is no pair to rank
 */
export function weightedAuc(
  { order, scores }: ScoreOrder,
  isPositive: (image: number) => boolean,
  weights: ArrayLike<number>,
): number | null {
  let positivesAbove = 0;
  let negatives = 0;
  let pairsWon = 0;
  for (let start = 0; start < order.length; ) {
    let tiedPositives = 0;
    let tiedNegatives = 0;
    let end = start;
    for (; end < order.length && scores[end] === scores[start]; end++) {
      const weight = weights[order[end]];
      if (isPositive(order[end])) tiedPositives += weight;
      else tiedNegatives += weight;
    }
    pairsWon += tiedNegatives * (positivesAbove + tiedPositives / 2);
    positivesAbove += tiedPositives;
    negatives += tiedNegatives;
    start = end;
  }
  const pairs = positivesAbove * negatives;
  return pairs === 0 ? null : pairsWon / pairs;
}
