import type { ImportContext, Operation } from '../context.ts';
import { importClip, importRelu, importSigmoid, importSoftmax } from './activation.ts';
import { importGatherOfImage, importSlice, importSplit } from './choice.ts';
import { importMaximum, importMinimum } from './compare.ts';
import { concatConstants, importCast, importConstant, importGather, importShape } from './constant.ts';
import { importConvolution } from './convolution.ts';
import {
  importAdd,
  importBatchNormalization,
  importConcat,
  importDivide,
  importMultiply,
  importSubtract,
  importSum,
} from './elementwise.ts';
import { FUNCTION_IMPORTERS } from './function.ts';
import { importGemm, importMatMul } from './linear.ts';
import { importAveragePool, importGlobalAveragePool, importGlobalMaxPool, importMaxPool } from './pool.ts';
import { importCastOfBytes, importDequantize, importLookUp, importQuantize } from './quantised.ts';
import { importReduction } from './reduce.ts';
import { importResize } from './resize.ts';
import {
  importDropout,
  importFlatten,
  importIdentity,
  importPad,
  importSqueeze,
  importUnsqueeze,
} from './shape.ts';
import { importAnyReshape, importGridTranspose } from './shuffle.ts';

export type Importer = (operation: Operation, context: ImportContext) => void;

/** The operators that have an integer form, by their ONNX names. */
export const IMPORTERS: ReadonlyMap<string, Importer> = new Map<string, Importer>([
  ...FUNCTION_IMPORTERS,
  ['Add', importAdd],
  ['AveragePool', importAveragePool],
  ['BatchNormalization', importBatchNormalization],
  [
    'Cast',
    (operation, context) => {
      if (!importCastOfBytes(operation, context)) importCast(operation, context);
    },
  ],
  ['Clip', importClip],
  [
    'Concat',
    (operation, context) => {
      if (!concatConstants(operation, context)) importConcat(operation, context);
    },
  ],
  ['Constant', importConstant],
  ['Conv', importConvolution],
  ['DequantizeLinear', importDequantize],
  ['Div', importDivide],
  ['Dropout', importDropout],
  ['Flatten', importFlatten],
  [
    'Gather',
    (operation, context) => {
      if (importLookUp(operation, context)) return;
      const isConstant = context.findConstant(operation.node.input[0]) !== undefined;
      (isConstant ? importGather : importGatherOfImage)(operation, context);
    },
  ],
  ['Gemm', importGemm],
  ['GlobalAveragePool', importGlobalAveragePool],
  ['GlobalMaxPool', importGlobalMaxPool],
  ['Identity', importIdentity],
  ['LogSoftmax', importSoftmax],
  ['MatMul', importMatMul],
  ['MaxPool', importMaxPool],
  ['Mul', importMultiply],
  ['Pad', importPad],
  ['Max', importMaximum],
  ['Min', importMinimum],
  ['QuantizeLinear', importQuantize],
  ['ReduceMax', importReduction('maximum')],
  ['ReduceMean', importReduction('mean')],
  ['ReduceMin', importReduction('minimum')],
  ['ReduceSum', importReduction('sum')],
  ['Relu', importRelu],
  ['Reshape', importAnyReshape],
  ['Resize', importResize],
  ['Shape', importShape],
  ['Sigmoid', importSigmoid],
  ['Slice', importSlice],
  ['Softmax', importSoftmax],
  ['Split', importSplit],
  ['Squeeze', importSqueeze],
  ['Sub', importSubtract],
  ['Sum', importSum],
  ['Transpose', importGridTranspose],
  ['Unsqueeze', importUnsqueeze],
  ['Upsample', importResize],
]);
