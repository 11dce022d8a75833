import type { Order } from './order.ts';

/** Sees each tensor as soon as it is known, the image included; it may not change it. `order`: of the values. */
export type TensorObserver = (name: string, values: Float32Array, order: Order) => void;

/** Who computes the float graph's tensors: calibration looks at them, and the integer graph is held against them. */
export interface Activations {
  /**
   * Computes the float graph on one image, uint8, and shows every tensor, the image included.
   * @returns the logits in ONNX's order
   */
  observe(image: Uint8Array, observer?: TensorObserver): Promise<Float64Array>;
  close(): Promise<void>;
}
