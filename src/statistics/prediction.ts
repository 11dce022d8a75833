/** One image's answer beside the truth. */
export interface Prediction {
  /** Index of the true class. */
  readonly label: number;
  /** One per class, each 0…1, summing to 1. */
  readonly probabilities: readonly number[];
  /** Lesion identifier; images of one lesion are not independent. Null when unknown: then the image stands alone. */
  readonly group: string | null;
}

/** @throws RangeError when a label or a probability lies outside its range: a defect of the caller */
export function assertPredictions(classes: readonly string[], predictions: readonly Prediction[]): void {
  if (predictions.length === 0) throw new RangeError('Metrics need at least one prediction');
  for (const { label, probabilities } of predictions) {
    if (!Number.isInteger(label) || label < 0 || label >= classes.length) {
      throw new RangeError(`Label ${label} is not one of ${classes.length} classes`);
    }
    if (probabilities.length !== classes.length || !probabilities.every((p) => p >= 0 && p <= 1 + 1e-9)) {
      throw new RangeError(`Expected ${classes.length} probabilities, received ${probabilities.join(', ')}`);
    }
  }
}
