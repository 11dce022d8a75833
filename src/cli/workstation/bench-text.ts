import type { BenchDocument } from '../../evaluation/bench/document.ts';
import { energyLine } from '../../evaluation/energy/of-inference.ts';
import { colour } from '../console.ts';
import { tableLines } from './table.ts';

/** The times for people, as lines. */
export function benchLines({ machine, model, results, stages, energy, absent }: BenchDocument): string[] {
  const peers = [...new Set(results.flatMap((result) => Object.keys(result.peers)))];
  const header = [
    'graph',
    'batch',
    'threads',
    'engine median',
    'p99',
    ...peers.flatMap((peer) => [peer, 'p99', 'ratio']),
  ];
  const rows = results.map(({ graph, batch, threads, engine, peers: times, ratios }) => [
    graph,
    String(batch),
    String(threads),
    colour.bold(milliseconds(engine.median)),
    milliseconds(engine.p99),
    ...peers.flatMap((peer) => [
      milliseconds(times[peer]?.median),
      milliseconds(times[peer]?.p99),
      ratios[peer] === undefined ? '–' : colour.bold(ratios[peer].toFixed(2)),
    ]),
  ]);
  return [
    colour.bold(`${model.name} ${model.version}, ${results[0]?.instructionSet ?? ''}`),
    colour.dim(`${machine.processor}, ${machine.cores} cores, Node ${machine.node}; milliseconds per call`),
    '',
    ...tableLines([header.map(colour.dim), ...rows]),
    ...Object.entries(absent).map(([peer, reason]) => `${peer}: not timed, ${reason}`),
    '',
    colour.bold(`Classification of ${stages.source}: ${stages.images} images, one at a time`),
    ...tableLines([
      ['stage', 'median', 'p99'].map(colour.dim),
      ...Object.entries({ ...stages.stages, 'all but decode': stages.rest }).map(
        ([name, { median, p99 }]) => [name, milliseconds(median), milliseconds(p99)],
      ),
    ]),
    `All but decode over decode: ${colour.bold(stages.restOverDecode.toFixed(2))}`,
    '',
    energyLine(energy),
  ];
}

function milliseconds(value: number | undefined): string {
  return value === undefined ? '–' : value.toFixed(3);
}
