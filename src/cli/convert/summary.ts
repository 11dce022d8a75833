import type { Agreement } from '../../conversion/scrutiny/agreement.ts';
import type { FileScales } from '../../conversion/scrutiny/file-scales.ts';
import type { Target } from '../../conversion/targets/check.ts';
import { printable } from '../../errors.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import type { Manifest } from '../../model/bundle/contract.ts';
import { nodesWithoutSpikes } from '../../model/spiking/monotone.ts';
import { colour, print } from '../../ui/terminal/console.ts';
import { scalesOf } from '../shared/scales.ts';
import type { ConvertOptions } from './options.ts';
import { printTargets } from './targets-text.ts';

export interface ConversionSummary {
  readonly bundle: string;
  readonly model: { readonly name: string; readonly version: string; readonly digest: string };
  readonly target: Target;
  /** Whether every layer runs on the target. */
  readonly deployable: boolean;
  readonly conversionSuccessRate: number;
  readonly floatNodes: number;
  readonly layers: number;
  readonly weightQuantisation: Manifest['weightQuantisation'];
  readonly calibration: Manifest['calibration'];
  readonly weightBytes: number;
  /** Layers whose values are no counts of spikes; a spiking network has none. */
  readonly notSpiking: readonly string[];
  readonly classes: readonly string[];
  /** Whether nobody has named them: they are a guess. */
  readonly assumedClasses: boolean;
  /** With the float network; null where training settled every scale. */
  readonly agreement: Agreement | null;
  /** Of a file that was quantised already: what is left of its own scales. */
  readonly fileScales: FileScales | null;
  readonly targets: Manifest['targets'];
  readonly reparameterisations: readonly { readonly layer: string; readonly applied: readonly string[] }[];
}

export function summaryOf(
  bundle: ModelBundle,
  { out, target }: Pick<ConvertOptions, 'out' | 'target'>,
  agreement: Agreement | null,
  fileScales: FileScales | null,
): ConversionSummary {
  const { name, version, digest, manifest, graph } = bundle;
  const weightBytes = graph.nodes.reduce(
    (sum, node) => sum + ('weights' in node ? node.weights.length : 0),
    graph.head.weights.length,
  );
  return {
    bundle: out,
    model: { name, version, digest },
    target,
    deployable: manifest.targets[target].maps,
    conversionSuccessRate: manifest.conversionSuccessRate,
    floatNodes: manifest.floatNodes,
    layers: manifest.layers.length,
    weightQuantisation: manifest.weightQuantisation,
    calibration: manifest.calibration,
    weightBytes,
    notSpiking: nodesWithoutSpikes(graph),
    classes: graph.classes,
    assumedClasses: bundle.assumedClasses === true,
    agreement: agreement && { ...agreement, decibels: finite(agreement.decibels) },
    fileScales: fileScales && {
      ...fileScales,
      requantisedLayers: fileScales.requantisedLayers.map(({ layer, decibels }) => ({
        ...{ layer, decibels: finite(decibels) },
      })),
    },
    targets: manifest.targets,
    reparameterisations: manifest.layers
      .filter(({ reparameterisation }) => reparameterisation.length > 0)
      .map((layer) => ({ layer: layer.name, applied: layer.reparameterisation })),
  };
}

export function printSummary(summary: ConversionSummary): void {
  const { model, targets } = summary;
  const identity = `${model.name} ${model.version}  ${model.digest.slice(0, 16)}`;
  print(`${colour.bold(printable(summary.bundle))}  ${printable(identity)}`);
  print(`conversion success rate  ${summary.conversionSuccessRate.toFixed(3)}`);
  print(`layers                   ${summary.layers} from ${summary.floatNodes} float nodes`);
  print(
    `weights                  ${summary.weightQuantisation}, ${(summary.weightBytes / 1024).toFixed(1)} KiB`,
  );
  print(`scales                   ${scalesOf(summary.calibration)}`);
  print(
    `classes                  ${printable(summary.classes.join(' '))}${summary.assumedClasses ? '  (assumed)' : ''}`,
  );
  if (summary.fileScales !== null) printFileScales(summary.fileScales);
  if (summary.agreement !== null) printAgreement(summary.agreement);
  print(`deployable on ${summary.target.padEnd(11)}${summary.deployable ? 'yes' : 'no'}`);
  if (summary.notSpiking.length > 0) {
    print(
      `spiking                  no: ${summary.notSpiking.length} layers are tables that are not monotone`,
    );
  }
  print();
  printTargets(targets);
}

/** Names that a line holds. */
const NAMED = 3;

function printFileScales({ tensors, changedTensors, layers, requantisedLayers }: FileScales): void {
  const kept = `${tensors - changedTensors.length} of ${tensors} tensors, ${layers - requantisedLayers.length} of ${layers} layers’ weights`;
  print(`kept of the file         ${kept}`);
  if (changedTensors.length > 0) print(`  other scales           ${firstOf(changedTensors)}`);
  const worst = requantisedLayers.toSorted((a, b) => a.decibels - b.decibels);
  if (worst.length > 0) {
    print(
      `  weights quantised anew ${firstOf(worst.map(({ layer, decibels }) => `${layer} ${decibels.toFixed(1)} dB`))}`,
    );
  }
}

function firstOf(names: readonly string[]): string {
  const rest = names.length - NAMED;
  return `${printable(names.slice(0, NAMED).join(', '))}${rest > 0 ? `, and ${rest} more` : ''}`;
}

function printAgreement({ images, same, named, isHeldOut, decibels, worst }: Agreement): void {
  const where = isHeldOut ? 'images that the calibration did not see' : 'the calibration’s own images';
  const classes = named === 1 ? 'one class' : `${named} classes`;
  print(
    `agreement                ${same} of ${images}, ${where}, of ${classes}; logits ${decibels.toFixed(1)} dB`,
  );
  for (const { layer, decibels: own } of worst) {
    print(`  noisiest               ${printable(layer)} ${own.toFixed(1)} dB`);
  }
}

/** JSON knows no infinity: where nothing is lost, the most that is told. */
function finite(decibels: number): number {
  return Math.min(decibels, 999);
}
