/** Another runtime on the same graph. */
export interface Peer {
  /** Inputs that lie ready in the peer's own form, so that only its inference is timed. */
  prepare(images: Uint8Array, count: number): PeerCall;
  close(): Promise<void>;
}

/** Runs the prepared images. @returns logits, count × classes */
export type PeerCall = () => Promise<Float32Array>;

export interface PeerSource {
  readonly name: string;
  /** @param threads that one call may use */
  open(threads: number): Promise<Peer>;
}
