/** What to do about an operator that has no integer form here. */
const REMEDIES: Readonly<Record<string, string>> = {
  Silu: 'replace SiLU by ReLU6 (Clip 0…6) and retrain',
  LayerNormalization: 'replace LayerNormalization by BatchNormalization and retrain',
  InstanceNormalization: 'replace InstanceNormalization by BatchNormalization and retrain',
  GroupNormalization: 'replace GroupNormalization by BatchNormalization and retrain',
  LpNormalization: 'normalise during training with BatchNormalization instead',
  Softmax:
    'use Sigmoid for gates; a softmax is possible only as the last operator, where it runs on the host',
  Loop: 'unroll the loop before export',
  Scan: 'unroll the loop before export',
  If: 'export one branch: fix the condition before export',
  GRU: 'use a feed-forward network: one image in, one answer out',
  LSTM: 'use a feed-forward network: one image in, one answer out',
  RNN: 'use a feed-forward network: one image in, one answer out',
  ConvTranspose: 'use a network without upsampling',
  Transpose: 'export with channels first (NCHW) from input to output',
  Cast: 'export in float32 without casts',
};

const GENERAL =
  'rebuild this part from convolutions, bounded ReLUs, sigmoid gates, pools, adds and concatenations, and retrain';

const QUANTISED =
  'give the file with QuantizeLinear and DequantizeLinear around operators (QuantFormat.QDQ), or the float model';

/** What onnxruntime makes of operators when it saves a model that it has optimised for one machine. */
const OPTIMISED = /^(Nhwc|Fused|Reorder(Input|Output)$)/;

/** Whether the operator is one that onnxruntime's optimiser wrote: channels last, or several in one. */
export function isOptimised(domain: string, operator: string): boolean {
  return domain === 'com.microsoft.nchwc' || (domain === 'com.microsoft' && OPTIMISED.test(operator));
}

export const UNOPTIMISED = 'give the model as it was before onnxruntime optimised and saved it';

export function remedyFor(operator: string): string {
  return REMEDIES[operator] ?? (/^QLinear|^QGemm|Integer/.test(operator) ? QUANTISED : GENERAL);
}
