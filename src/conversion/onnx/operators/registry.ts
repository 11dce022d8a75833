import type { Importer } from '../context.ts';
import { importTranspose } from '../layout.ts';
import { flattenAnyOrder } from '../layout-reshape.ts';
import { importClip, importRelu, importSigmoid, importSoftmax } from './activation.ts';
import { importCast } from './cast.ts';
import { importGatherOfImage, importSlice, importSplit } from './choice.ts';
import { importMaximum, importMinimum } from './compare.ts';
import { CONDITION_IMPORTERS } from './condition.ts';
import { concatConstants, importConstant, importShape } from './constant.ts';
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
import { importMatMulOfBits } from './quantised-constant.ts';
import { importReduction } from './reduce.ts';
import { importResize } from './resize.ts';
import { importDropout, importIdentity, importPad, importSqueeze, importUnsqueeze } from './shape.ts';
import { importGridTranspose } from './shuffle.ts';

/**
 * The operators that have an integer form, by their ONNX names; Reshape needs to know of the batch, and has a place of its
 * own.
 */
export const IMPORTERS: ReadonlyMap<string, Importer> = new Map<string, Importer>([
  ...FUNCTION_IMPORTERS,
  ...CONDITION_IMPORTERS,
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
  ['Flatten', flattenAnyOrder],
  [
    'Gather',
    (operation, context) => {
      if (!importLookUp(operation, context)) importGatherOfImage(operation, context);
    },
  ],
  ['Gemm', importGemm],
  ['GlobalAveragePool', importGlobalAveragePool],
  ['GlobalMaxPool', importGlobalMaxPool],
  ['Identity', importIdentity],
  ['LogSoftmax', importSoftmax],
  ['MatMul', importMatMul],
  ['MatMulNBits', importMatMulOfBits],
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
  ['Resize', importResize],
  ['Shape', importShape],
  ['Sigmoid', importSigmoid],
  ['Slice', importSlice],
  ['Softmax', importSoftmax],
  ['Split', importSplit],
  ['Squeeze', importSqueeze],
  ['Sub', importSubtract],
  ['Sum', importSum],
  [
    'Transpose',
    (operation, context) => {
      const isGrid = context.grids.has(operation.node.input[0] ?? '');
      (isGrid ? importGridTranspose : importTranspose)(operation, context);
    },
  ],
  ['Unsqueeze', importUnsqueeze],
  ['Upsample', importResize],
]);
