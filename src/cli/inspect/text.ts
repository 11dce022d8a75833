import { printable } from '../../errors.ts';
import { colour, print } from '../../ui/terminal/console.ts';
import { counted } from '../../ui/terminal/layout.ts';
import { tableLines } from '../../ui/terminal/table.ts';
import { scalesOf } from '../shared/scales.ts';
import { akidaLines } from './akida-text.ts';
import { cardTriageLines } from './card-triage-text.ts';
import type { InspectDocument, InspectedLayer } from './document.ts';

const PLACES = { chip: 'chip', cpu: 'cpu', host: '—', unknown: '?' } as const;

export function printInspection(document: InspectDocument): void {
  const { model, engine, conversion, totals } = document;
  print(`${colour.bold(printable(`${model.name} ${model.version}`))}  ${printable(document.bundle)}`);
  print(`digest      ${model.digest}`);
  print(
    `input       ${document.input.shape.join('×')} uint8, ${document.classes.length} classes: ${printable(document.classes.join(' '))}${document.assumedClasses ? ' (assumed)' : ''}`,
  );
  print(
    `engine      ${engine.backend}, ${engine.instructionSet}, arena ${kibibytes(engine.arenaBytes)}; ${engine.goldenInputsReplayed} golden inputs reproduced`,
  );
  print(`akida       ${printable(engine.akida ?? 'no card here')}`);
  print(
    `converted   from ${printable(conversion.source.name)}, ${conversion.weightQuantisation} weights, scales ${scalesOf(conversion.calibration)}`,
  );
  print(`            conversion success rate ${conversion.conversionSuccessRate.toFixed(3)}`);
  print();
  for (const line of layerTable(document)) print(line);
  print();
  const { notSpiking } = document;
  if (notSpiking.length > 0) {
    print(
      `no spiking network: ${counted(notSpiking.length, 'layer')} not monotone, ${printable(named(notSpiking))}`,
    );
  }
  print(
    `${counted(totals.layers, 'layer')}, ${millions(totals.multiplyAdds)} multiply-adds, ${kibibytes(totals.parameterBytes)} of parameters`,
  );
  print();
  printTargets(document);
  printReadout(document);
  printScope(document);
  for (const line of akidaLines(document)) print(line);
  printCard(document);
}

function layerTable({ layers, conversion }: InspectDocument): string[] {
  const targets = Object.keys(conversion.targets);
  const header = ['layer', 'kernel', 'shape', 'scale', 'zero', 'bits', 'mult-adds', 'bytes', ...targets];
  return tableLines([header, ...layers.map((layer) => rowOf(layer, targets))], [0, 1]).map((line, i) =>
    i === 0 ? colour.bold(line) : line,
  );
}

function rowOf(layer: InspectedLayer, targets: readonly string[]): string[] {
  const { placement } = layer;
  return [
    printable(layer.name),
    printable(layer.kernel ?? layer.operator),
    layer.shape.join('×'),
    layer.scale.toPrecision(4),
    String(layer.zeroPoint),
    [layer.weightBits, layer.activationBits].map((bits) => bits ?? '–').join('/'),
    layer.multiplyAdds === 0 ? '' : millions(layer.multiplyAdds),
    layer.parameterBytes === 0 ? '' : String(layer.parameterBytes),
    ...targets.map((target) => PLACES[placement?.[target] ?? 'unknown']),
  ];
}

function printTargets({ conversion }: InspectDocument): void {
  for (const [target, { maps, unmapped }] of Object.entries(conversion.targets)) {
    print(
      `${colour.bold(target)}: ${maps ? 'every layer maps' : `${counted(unmapped.length, 'layer does', 'layers do')} not map`}`,
    );
    for (const { node, reason } of unmapped) print(`  ${printable(node)}: ${printable(reason)}`);
  }
  print();
}

function printReadout({ readout, preprocessing, classes }: InspectDocument): void {
  const { fittedOn, tiling } = readout;
  print(
    `${colour.bold('readout')}  α ${readout.alpha.toPrecision(5)}, ${
      fittedOn === null
        ? 'not calibrated'
        : `fitted on ${counted(fittedOn.images, 'image')} of ${printable(`${fittedOn.dataset}, ${fittedOn.split}`)}`
    }`,
  );
  print(
    `  thresholds  ${classes.map((name, i) => `${printable(name)} ${readout.thresholds[i].toFixed(3)}`).join('  ')}`,
  );
  print(`  tiling      ${tiling.enabled ? 'on' : 'off'}, below τ = ${tiling.tau.toFixed(3)}`);
  print(`  crop        ${preprocessing.crop.enabled ? 'on' : 'off'}`);
  print();
}

function printScope({ scope }: InspectDocument): void {
  if (scope === null) return;
  const { expected, fittedOn } = scope;
  print(
    `${colour.bold('scope')}  fitted on ${counted(fittedOn.images, 'image')} and ${counted(fittedOn.frames, 'drawn frame')} without a lesion`,
  );
  print(
    `  refused     above ${scope.outOfScope.toFixed(3)}: ${share(expected.outOfScope)} of validation, ${share(expected.nothing)} of frames without a lesion`,
  );
  print(
    `  unfamiliar  beyond ${scope.unfamiliar.toFixed(2)} deviations: ${share(expected.unfamiliar)} of validation`,
  );
  print();
}

function share(value: number): string {
  return `${(100 * value).toFixed(1)} %`;
}

function printCard({ card }: InspectDocument): void {
  print(`${colour.bold('card')}  ${printable(card.description)}`);
  if (card.intendedUse !== undefined) print(`  use       ${printable(card.intendedUse)}`);
  print(`  data      ${printable(card.data)}`);
  print(`  protocol  ${printable(card.protocol)}`);
  print(`  licence   ${printable(card.licence)}`);
  for (const [name, value] of Object.entries(card.metrics)) print(`  ${printable(name)}  ${value}`);
  if (card.triage !== undefined) for (const line of cardTriageLines(card.triage)) print(`  ${line}`);
  for (const limitation of card.limitations) print(`  limit: ${printable(limitation)}`);
}

/** The first few. */
function named(names: readonly string[]): string {
  return `${names.slice(0, 4).join(', ')}${names.length > 4 ? ' …' : ''}`;
}

function kibibytes(bytes: number): string {
  return `${(bytes / 1024).toFixed(1)} KiB`;
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(2)} M`;
}
