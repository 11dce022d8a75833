import { type FloatModelOptions, openFloatModel } from '../../evaluation/float-model.ts';
import type { PeerSource } from './peer.ts';

/**
 * onnxruntime-node on an ONNX file or its bytes, float or with QuantizeLinear and DequantizeLinear.
 * @param side of the square input, pixels
 */
export function onnxruntimePeer(
  name: string,
  model: string | Uint8Array,
  side: number,
  options: FloatModelOptions = {},
): PeerSource {
  return {
    name,
    open: async (threads) => {
      const session = await openFloatModel(model, side, threads, undefined, options);
      return {
        prepare: (images, count) => {
          const inputs = session.prepare(images, count);
          return () => session.run(inputs);
        },
        close: () => session.close(),
      };
    },
  };
}
