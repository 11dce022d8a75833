import type * as tf from '@tensorflow/tfjs-core';
import { binary, given, type KernelTable, listed, present, unary } from './kernel.ts';

/** Value by value. */
export const elementwise: KernelTable = {
  ...unary(
    'Abs',
    'Acos',
    'Asin',
    'Atan',
    'Ceil',
    'Cos',
    'Cosh',
    'Erf',
    'Exp',
    'Expm1',
    'Floor',
    'Log',
    'Log1p',
  ),
  ...unary(
    'Neg',
    'Reciprocal',
    'Relu',
    'Round',
    'Rsqrt',
    'Sigmoid',
    'Sign',
    'Sin',
    'Sinh',
    'Softplus',
    'Sqrt',
  ),
  ...unary('Square', 'Tan', 'Tanh', 'IsFinite', 'IsInf', 'IsNan', 'LogicalNot', 'ZerosLike', 'OnesLike'),
  ...binary(
    'Add',
    'FloorDiv',
    'Maximum',
    'Minimum',
    'Mod',
    'Multiply',
    'Pow',
    'RealDiv',
    'SquaredDifference',
    'Sub',
  ),
  ...binary('Equal', 'Greater', 'GreaterEqual', 'Less', 'LessEqual', 'NotEqual'),
  ...binary('LogicalAnd', 'LogicalOr'),
  AddN: ({ inputs, backend }) => backend.run('AddN', listed(inputs))[0],
  ClipByValue: ({ inputs, backend, attrs }) => {
    const { clipValueMin, clipValueMax } = given<tf.ClipByValueAttrs>(attrs);
    return backend.run('ClipByValue', [present(inputs.x)], [clipValueMin, clipValueMax])[0];
  },
  Relu6: ({ inputs, backend }) => backend.run('ClipByValue', [present(inputs.x)], [0, 6])[0],
  LeakyRelu: ({ inputs, backend, attrs }) =>
    backend.run('LeakyRelu', [present(inputs.x)], [given<tf.LeakyReluAttrs>(attrs).alpha])[0],
  Step: ({ inputs, backend, attrs }) =>
    backend.run('Step', [present(inputs.x)], [given<tf.StepAttrs>(attrs).alpha])[0],
  Select: ({ inputs, backend }) =>
    backend.run('Select', [present(inputs.condition), present(inputs.t), present(inputs.e)])[0],
};
