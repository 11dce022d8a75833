/** Functions of one number that networks use under names of their own. */

export interface NamedFunction {
  /** The operator of ONNX that computes it. */
  readonly onnx: string;
  /** Attributes of that operator, in the order of the parameters. */
  readonly attributes: readonly string[];
  readonly of: (value: number, ...parameters: readonly number[]) => number;
}

const logistic = (value: number) => 1 / (1 + Math.exp(-value));
const softplus = (value: number) => Math.max(value, 0) + Math.log1p(Math.exp(-Math.abs(value)));
const within = (value: number, minimum: number, maximum: number) =>
  Math.min(Math.max(value, minimum), maximum);

/** By the names that manifests and messages use. */
export const NAMED = {
  sigmoid: { onnx: 'Sigmoid', attributes: [], of: logistic },
  tanh: { onnx: 'Tanh', attributes: [], of: Math.tanh },
  erf: { onnx: 'Erf', attributes: [], of: erf },
  exponential: { onnx: 'Exp', attributes: [], of: Math.exp },
  logarithm: { onnx: 'Log', attributes: [], of: Math.log },
  'square root': { onnx: 'Sqrt', attributes: [], of: Math.sqrt },
  reciprocal: { onnx: 'Reciprocal', attributes: [], of: (value) => 1 / value },
  magnitude: { onnx: 'Abs', attributes: [], of: Math.abs },
  sign: { onnx: 'Sign', attributes: [], of: Math.sign },
  sine: { onnx: 'Sin', attributes: [], of: Math.sin },
  cosine: { onnx: 'Cos', attributes: [], of: Math.cos },
  arctangent: { onnx: 'Atan', attributes: [], of: Math.atan },
  floor: { onnx: 'Floor', attributes: [], of: Math.floor },
  ceiling: { onnx: 'Ceil', attributes: [], of: Math.ceil },
  round: { onnx: 'Round', attributes: [], of: halfToEven },
  softplus: { onnx: 'Softplus', attributes: [], of: softplus },
  softsign: { onnx: 'Softsign', attributes: [], of: (value) => value / (1 + Math.abs(value)) },
  SiLU: { onnx: 'Swish', attributes: ['alpha'], of: (value, alpha) => value * logistic(alpha * value) },
  Mish: { onnx: 'Mish', attributes: [], of: (value) => value * Math.tanh(softplus(value)) },
  'hard swish': { onnx: 'HardSwish', attributes: [], of: (value) => value * within(value / 6 + 0.5, 0, 1) },
  'hard sigmoid': {
    onnx: 'HardSigmoid',
    attributes: ['alpha', 'beta'],
    of: (value, alpha, beta) => within(alpha * value + beta, 0, 1),
  },
  'leaky ReLU': {
    onnx: 'LeakyRelu',
    attributes: ['alpha'],
    of: (value, slope) => (value < 0 ? slope * value : value),
  },
  'thresholded ReLU': {
    onnx: 'ThresholdedRelu',
    attributes: ['alpha'],
    of: (value, threshold) => (value > threshold ? value : 0),
  },
  ELU: {
    onnx: 'Elu',
    attributes: ['alpha'],
    of: (value, alpha) => (value < 0 ? alpha * Math.expm1(value) : value),
  },
  CELU: {
    onnx: 'Celu',
    attributes: ['alpha'],
    of: (value, alpha) => Math.max(value, 0) + Math.min(alpha * Math.expm1(value / alpha), 0),
  },
  SELU: {
    onnx: 'Selu',
    attributes: ['alpha', 'gamma'],
    of: (value, alpha, gamma) => gamma * (value > 0 ? value : alpha * Math.expm1(value)),
  },
  GELU: { onnx: 'Gelu', attributes: [], of: (value) => 0.5 * value * (1 + erf(value / Math.SQRT2)) },
  'GELU by tanh': {
    onnx: 'Gelu',
    attributes: [],
    of: (value) => 0.5 * value * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (value + 0.044715 * value ** 3))),
  },
} as const satisfies Readonly<Record<string, NamedFunction>>;

export type FunctionName = keyof typeof NAMED;

function halfToEven(value: number): number {
  const rounded = Math.round(value);
  return rounded - value === 0.5 && rounded % 2 !== 0 ? rounded - 1 : rounded;
}

/** By its series of positive terms, to the last bits of a double. */
function erf(value: number): number {
  const x = Math.abs(value);
  if (x > 6) return Math.sign(value);
  let term = x;
  let sum = x;
  for (let n = 1; term > sum * 1e-17; n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return Math.sign(value) * (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}
