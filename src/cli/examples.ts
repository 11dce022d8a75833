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
  average: ['spikescope average second/model.checkpoint third/model.checkpoint --out mean.checkpoint'],
  balance: ['spikescope balance --from training/model.checkpoint --dataset ham10000 --out balanced'],
  ablation: ['spikescope ablation --dataset ham10000 --out ablation --epochs 12'],
  sites: ['spikescope sites --dataset ham10000 --out sites'],
  provision: [
    'spikescope provision key new root-a.json root-b.json release.json online.json',
    'spikescope provision repository init office --root-key root-a.json root-b.json --threshold 2 --release-key release.json --online-key online.json',
    'spikescope provision repository add office model.spikescope --channel stable --change CC-12 --key release.json',
    'spikescope provision publish office --key online.json --to /media/stick',
    'spikescope provision verify --from /media/stick --root root.json',
    'spikescope provision install --from /media/stick',
    'spikescope provision status',
    'spikescope provision fetch stable/qana64-1.0.0.spikescope --from https://updates.example/spikescope',
    'spikescope provision pull --config /etc/spikescope/spikescope.yaml',
    'spikescope provision fleet-status --broker mqtts://broker.example --ca authority.pem',
  ],
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
