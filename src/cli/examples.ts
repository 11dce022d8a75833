/** What `--help` of each command ends with. */
export const EXAMPLES = {
  run: [
    'spikescope run --count 2',
    'spikescope run --source libcamera --broker mqtts://broker.example --ca authority.pem',
    'spikescope run --config /etc/spikescope/spikescope.yaml',
  ],
  classify: ['spikescope classify photos', 'spikescope classify lesion.jpg --json'],
  convert: [
    'spikescope convert --from model.onnx --calibration photos --out model.spikescope',
    'spikescope convert --from training/model.checkpoint --out model.spikescope --target akd1000',
  ],
  export: [
    'spikescope export --format onnx-qdq --out model-int8.onnx',
    'spikescope export --format onnx-float --from training/model.checkpoint --out model.onnx',
    'spikescope export --format akida --model qana-akd1000.spikescope --device akd1000 --out card',
    'spikescope export --format akida --model m.spikescope --device akd1000 --into-bundle --out m.spikescope',
  ],
  inspect: ['spikescope inspect model.spikescope', 'spikescope inspect --activity --images photos'],
  calibrate: [
    'spikescope calibrate --model model.spikescope --dataset ham10000',
    'spikescope calibrate --model model.spikescope --dataset ham10000 --operating-point mel=0.90 --out tuned.spikescope',
  ],
  evaluate: [
    'spikescope evaluate --dataset ham10000 --split test',
    'spikescope evaluate --dataset ham10000 --float model.onnx --json',
    'spikescope evaluate --dataset ham10000 --split val --corruptions',
  ],
  train: [
    'spikescope train --dataset ham10000 --out training',
    'spikescope train --dataset ham10000 --out training --resume',
  ],
  balance: ['spikescope balance --from training/model.checkpoint --dataset ham10000 --out balanced'],
  ablation: ['spikescope ablation --dataset ham10000 --out ablation --epochs 12'],
  sites: ['spikescope sites --dataset ham10000 --out sites'],
  journal: ['spikescope journal verify', 'spikescope journal resend --from 1 --data /var/lib/spikescope'],
  doctor: [
    'spikescope doctor',
    'sudo spikescope doctor --config /etc/spikescope/spikescope.yaml',
    'spikescope doctor --broker mqtts://broker.example --ca authority.pem --json',
  ],
  bench: ['spikescope bench', 'spikescope bench --networks --report reports/bench.html'],
} as const;
export type CommandName = keyof typeof EXAMPLES;

export function examplesHelp(name: CommandName): string {
  return ['', 'Examples:', ...EXAMPLES[name].map((line) => `  ${line}`)].join('\n');
}
