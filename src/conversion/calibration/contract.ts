import type { Observer } from '../float/evaluate.ts';

/** Who computes the float graph's tensors: calibration looks at them, and the integer graph is held against them. */
export interface Activations {
  /**
   * Computes the float graph on one image, uint8, and shows every tensor, the image included.
   * @returns the logits in ONNX's order
   */
  observe(image: Uint8Array, observer?: Observer): Promise<Float64Array>;
  close(): Promise<void>;
}
