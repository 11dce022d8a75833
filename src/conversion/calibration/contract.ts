import type { Observer } from '../float/evaluate.ts';

/** Who computes the tensors that calibration looks at. */
export interface Activations {
  /** Computes the float graph on one image, uint8, and shows every tensor, the image included. */
  observe(image: Uint8Array, observer: Observer): Promise<void>;
  close(): Promise<void>;
}
