import type { BackendBench } from '../../bench/backend.ts';
import type { BenchDocument } from '../../bench/document.ts';
import type { GraphTiming } from '../../bench/graph.ts';
import type { GraphLayers, LayerFigures } from '../../bench/layers.ts';
import type { MachineLimits } from '../../bench/limits.ts';
import type { StageTiming } from '../../bench/stages.ts';
import { printable } from '../../errors.ts';
import { energyLine } from '../../evaluation/energy/of-inference.ts';
import { colour } from '../../ui/terminal/console.ts';
import { tableLines } from '../../ui/terminal/table.ts';

/** Layers shown of a network with random weights. */
const SLOWEST = 8;

/** The bench for people, as lines. */
export function benchLines(document: BenchDocument): string[] {
  const { machine, model, results, limits, layers, stages, energy, absent } = document;
  return [
    colour.bold(`${model.name} ${model.version}, ${results[0]?.instructionSet ?? ''}`),
    colour.dim(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}; milliseconds per call`),
    '',
    ...timingLines(results),
    ...Object.entries(absent).map(([name, reason]) => `${name}: not timed, ${reason}`),
    '',
    ...limitLines(limits),
    '',
    ...layers.flatMap((graph, i) => layerLines(graph, i === 0 ? graph.layers : slowest(graph))),
    ...nodeLines(document),
    '',
    ...stageLines(stages),
    '',
    energyLine(energy),
  ];
}

/** The bench of one backend for people, as lines. */
export function backendLines({ machine, model, backend, runsOn, timed, results }: BackendBench): string[] {
  const rows = results.map(({ batch, latency, imagesPerSecond }) => [
    String(batch),
    colour.bold(milliseconds(latency.median)),
    milliseconds(latency.p90),
    milliseconds(latency.p99),
    imagesPerSecond.toFixed(0),
  ]);
  return [
    colour.bold(`${printable(`${model.name} ${model.version}`)} on ${backend}, ${printable(runsOn)}`),
    colour.dim(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}; milliseconds per call`),
    '',
    ...tableLines([['batch', 'median', 'p90', 'p99', 'images/s'].map((word) => colour.dim(word)), ...rows]),
    '',
    ...(timed === 'played card' ? ['times of a card that is played: of silicon they say nothing'] : []),
    'energy: not measured (no meter covers one backend alone)',
  ];
}

function timingLines(results: readonly GraphTiming[]): string[] {
  const peers = [...new Set(results.flatMap((result) => Object.keys(result.peers)))];
  const header = [
    ...['graph', 'batch', 'threads', 'engine median', 'p90', 'p99', 'images/s'],
    ...peers.flatMap((peer) => [peer, 'ratio']),
    'of the best',
  ];
  const rows = results.map((result) => [
    result.graph,
    String(result.batch),
    String(result.threads),
    colour.bold(milliseconds(result.engine.median)),
    milliseconds(result.engine.p90),
    milliseconds(result.engine.p99),
    result.imagesPerSecond.toFixed(0),
    ...peers.flatMap((peer) => [milliseconds(result.peers[peer]?.median), ratio(result.ratios[peer])]),
    colour.bold(ratio(result.ratioToBest)),
  ]);
  return tableLines([header.map(colour.dim), ...rows]);
}

function limitLines({ multiplyAddPeaks, bandwidths }: MachineLimits): string[] {
  const peaks = Object.entries(multiplyAddPeaks).map(([set, peak]) => `${set} ${billions(peak)}`);
  const places = bandwidths.map(({ place, bytesPerSecond }) => `${place} ${billions(bytesPerSecond)}`);
  return [
    colour.bold('What one core could do at best'),
    `10⁹ 8-bit multiply-adds per second: ${peaks.join(', ')}`,
    `10⁹ bytes read per second: ${places.join(', ')}`,
  ];
}

/** Of a network with random weights; JSON and page have them all. */
function slowest({ layers }: GraphLayers): readonly LayerFigures[] {
  return layers.toSorted((a, b) => b.microseconds - a.microseconds).slice(0, SLOWEST);
}

function layerLines(
  { graph, microseconds, convolutionShare }: GraphLayers,
  layers: readonly LayerFigures[],
): string[] {
  const rows = layers.map((layer) => [
    printable(layer.description),
    layer.microseconds.toFixed(1),
    percent(layer.timeShare),
    percent(layer.peakShare),
    layer.reason ?? '',
  ]);
  return [
    colour.bold(
      `Layers of ${printable(graph)}: ${microseconds.toFixed(0)} µs, convolutions at ${percent(convolutionShare)} of the peak`,
    ),
    ...tableLines(
      [['layer', 'µs', 'of the time', 'of the peak', 'why not more'].map(colour.dim), ...rows],
      [0, 4],
    ),
    '',
  ];
}

function nodeLines({ node, start, results, layers }: BenchDocument): string[] {
  const { call, calls, heapGrowth, arrayGrowth } = node;
  const single = results.find(({ batch, threads }) => batch === 1 && threads === 1);
  const own = layers[0]?.microseconds;
  const beside =
    single === undefined || own === undefined
      ? ''
      : `; on ${single.graph} ${(1000 * single.engine.median - own).toFixed(1)} µs more than its layers`;
  return [
    colour.bold('What Node adds'),
    `a call: ${(1000 * call.median).toFixed(1)} µs, 99 % within ${(1000 * call.p99).toFixed(1)} µs${beside}`,
    `${calls} calls leave ${heapGrowth} bytes on the heap and ${arrayGrowth} in arrays`,
    ...(start === null
      ? []
      : [
          `bundle to first potential: ${start.load.toFixed(1)} ms; memory added ${megabytes(start.memory)}, arena ${(start.arena / 1024).toFixed(0)} KiB; medians of ${start.starts} starts`,
        ]),
  ];
}

function stageLines(stages: StageTiming): string[] {
  return [
    colour.bold(`Classification of ${stages.source}: ${stages.images} images, one at a time`),
    ...tableLines([
      ['stage', 'median', 'p99'].map(colour.dim),
      ...Object.entries({ ...stages.stages, 'all but decode': stages.rest }).map(
        ([name, { median, p99 }]) => [name, milliseconds(median), milliseconds(p99)],
      ),
    ]),
    `All but decode over decode: ${colour.bold(stages.restOverDecode.toFixed(2))}`,
  ];
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(3);
}

function ratio(value: number | null | undefined): string {
  return value === undefined || value === null ? '–' : value.toFixed(2);
}

function percent(share: number | null): string {
  return share === null ? '–' : `${(100 * share).toFixed(0)} %`;
}

function billions(value: number): string {
  return (value / 1e9).toFixed(1);
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
