/** What an engine computes for a batch of n images. */
export interface Inference {
  /** int32, n × classes. */
  readonly potentials: Int32Array;
  /** uint8, n × embedding length; the input of the head. */
  readonly embeddings: Uint8Array;
}
