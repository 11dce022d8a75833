import type { ImportContext, Operation } from '../context.ts';
import { importClip, importRelu, importSigmoid, importSoftmax } from './activation.ts';
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
import {
  importAveragePool,
  importGlobalAveragePool,
  importGlobalMaxPool,
  importMaxPool,
  importReduceMean,
} from './pool.ts';
import {
  importDropout,
  importFlatten,
  importIdentity,
  importPad,
  importReshape,
  importSqueeze,
  importUnsqueeze,
} from './shape.ts';

export type Importer = (operation: Operation, context: ImportContext) => void;

/** The operators that have an integer form, by their ONNX names. */
export const IMPORTERS: ReadonlyMap<string, Importer> = new Map<string, Importer>([
  ...FUNCTION_IMPORTERS,
  ['Add', importAdd],
  ['AveragePool', importAveragePool],
  ['BatchNormalization', importBatchNormalization],
  ['Cast', importCast],
  ['Clip', importClip],
  [
    'Concat',
    (operation, context) => {
      if (!concatConstants(operation, context)) importConcat(operation, context);
    },
  ],
  ['Constant', importConstant],
  ['Conv', importConvolution],
  ['Div', importDivide],
  ['Dropout', importDropout],
  ['Flatten', importFlatten],
  ['Gather', importGather],
  ['Gemm', importGemm],
  ['GlobalAveragePool', importGlobalAveragePool],
  ['GlobalMaxPool', importGlobalMaxPool],
  ['Identity', importIdentity],
  ['LogSoftmax', importSoftmax],
  ['MatMul', importMatMul],
  ['MaxPool', importMaxPool],
  ['Mul', importMultiply],
  ['Pad', importPad],
  ['ReduceMean', importReduceMean],
  ['Relu', importRelu],
  ['Reshape', importReshape],
  ['Shape', importShape],
  ['Sigmoid', importSigmoid],
  ['Softmax', importSoftmax],
  ['Squeeze', importSqueeze],
  ['Sub', importSubtract],
  ['Sum', importSum],
  ['Unsqueeze', importUnsqueeze],
]);
