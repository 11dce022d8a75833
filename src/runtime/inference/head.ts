/** What a head answers beside classes, what it builds on, and what may replace it. */

export { INDETERMINATE, RETAKE } from '../../model/answers.ts';

/** What a reading rests on: never part of it, never sent, logged or shown. */
export interface HeadInput {
  readonly pooled: Int16Array;
  /** int32, the factory head's, of the whole square. */
  readonly potentials: Int32Array;
}

/** A head that builds on the factory's. */
export interface LearnedHead {
  /** SHA-256 in hexadecimal: names it in results and in the journal. */
  readonly digest: string;
  /** The factory's, then those that were added. */
  readonly classes: readonly string[];
  /** Those of the added ones that were said to be benign; triage takes any other for malignant. Default: none. */
  readonly benign?: readonly string[];
  /**
   * What this head makes of an image.
   * @param factory int32, what the factory's head made of it
   * @param pooled sum of each channel over the places of the embedding
   * @returns int32, one for each of `classes`
   */
  potentials(factory: Int32Array, pooled: Int16Array): Int32Array;
}
