/** Where a float graph comes from: an ONNX model, or the checkpoint of a training. */
import { RefusedError } from '../errors.ts';
import { isCheckpoint, parseCheckpoint } from '../model/checkpoint/file.ts';
import { answeringArrays, type TrainedQuantisation } from '../model/checkpoint/format.ts';
import { floatGraphOf } from './float/architecture.ts';
import type { FloatGraph } from './float/graph.ts';
import type { Readout } from './onnx/ending.ts';
import { importOnnx, type OnnxOptions } from './onnx/import.ts';
import type { StatedQuantisation } from './quantise/stated.ts';

export interface FloatSource {
  readonly graph: FloatGraph;
  readonly format: 'onnx' | 'checkpoint';
  /** Of an ONNX model. */
  readonly opset: number | null;
  /** Nodes of the ONNX graph, constants aside; layers of the architecture. */
  readonly floatNodes: number;
  /** What a checkpoint calls its classes. */
  readonly classes: readonly string[] | null;
  /** What quantisation-aware training settled on. */
  readonly quantisation: TrainedQuantisation | null;
  /** What an ONNX file that is quantised already says of scales and zero points. */
  readonly stated: StatedQuantisation | null;
  /** What the network itself makes of the logits at its end; it is left to the readout. */
  readonly readout: Readout;
  /** What was left out of the file, for people. */
  readonly notes: readonly string[];
  /** Whether the image goes in as bytes, so that the network itself knows their scale. */
  readonly takesBytes: boolean;
}

/** Which arrays of a checkpoint answer: the moving averages where it keeps them, or the last values. */
export type CheckpointArrays = 'averages' | 'last';

/** `file` names it in messages; weights of an ONNX model may lie beside it. @throws RefusedError `ONNX_*`, `CHECKPOINT_*` */
export async function importSource(
  contents: Uint8Array,
  file: string,
  arrays: CheckpointArrays = 'averages',
  onnx: OnnxOptions = {},
): Promise<FloatSource> {
  if (isCheckpoint(contents)) return importCheckpoint(contents, file, arrays);
  return { ...(await importOnnx(contents, file, onnx)), format: 'onnx', classes: null, quantisation: null };
}

function importCheckpoint(contents: Uint8Array, file: string, arrays: CheckpointArrays): FloatSource {
  const checkpoint = parseCheckpoint(contents, file);
  const { architecture, classes, quantisation } = checkpoint;
  const chosen = arrays === 'averages' ? checkpoint : { ...checkpoint, averages: null };
  const graph = floatGraphOf(architecture, answeringArrays(chosen));
  if (classes.length !== graph.outputOrder.length) {
    throw new RefusedError('CHECKPOINT_CLASSES', 'The checkpoint names other classes than its network has', {
      file,
      expected: `${graph.outputOrder.length} names`,
      received: classes.join(', '),
    });
  }
  const floatNodes = architecture.layers.length;
  return {
    ...{ graph, format: 'checkpoint', opset: null, floatNodes, classes, quantisation, stated: null },
    ...{ readout: 'none', notes: [], takesBytes: false },
  };
}
