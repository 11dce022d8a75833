/** Who runs the same graph as the engine. */
import { readFile } from 'node:fs/promises';
import { FLOAT_PEER, INTEGER_PEER } from '../../bench/graph.ts';
import type { BenchNetwork } from '../../bench/networks/networks.ts';
import { onnxruntimePeer } from '../../bench/peers/onnxruntime.ts';
import type { PeerSource } from '../../bench/peers/peer.ts';
import { TFJS_WASM, tfjsWasmPeer } from '../../bench/peers/tfjs-wasm.ts';
import { exportQdq } from '../../conversion/export/qdq.ts';
import { prepareModel } from '../../conversion/prepare.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Absences } from './absences.ts';

/** @param float path of the float graph, null where there is none */
export async function bundlePeers(
  bundle: ModelBundle,
  float: string | null,
  absences: Absences,
): Promise<PeerSource[]> {
  const side = bundle.preprocessing.width;
  const integer = onnxruntimePeer(INTEGER_PEER, await exportQdq(bundle.graph), side);
  if (float === null) {
    for (const peer of [FLOAT_PEER, TFJS_WASM]) {
      absences.leaveOut(peer, 'no float model was given with --float, and none lies beside the project');
    }
    return [integer];
  }
  const found = [onnxruntimePeer(FLOAT_PEER, float, side), integer];
  const prepared = await absences.unless(TFJS_WASM, async () => prepareModel(await readFile(float), float));
  return prepared === null ? found : [...found, tfjsWasmPeer(prepared.folded)];
}

export async function networkPeers({ onnx, float, integer, side }: BenchNetwork): Promise<PeerSource[]> {
  return [
    onnxruntimePeer(FLOAT_PEER, onnx, side),
    onnxruntimePeer(INTEGER_PEER, await exportQdq(integer), side),
    tfjsWasmPeer(float),
  ];
}
