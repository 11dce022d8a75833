/** Quantisation of every tensor, from what calibration images make of it. */
import { setImmediate } from 'node:timers/promises';
import { INPUT_NAME } from '../../model/graph.ts';
import { type FloatGraph, floatInputsOf, sharesQuantisation } from '../float/graph.ts';
import { evaluateFormula } from '../formula/formula.ts';
import {
  activationMaximum,
  EIGHT_BITS,
  type Precision,
  type TensorQuantisation,
} from '../quantise/precision.ts';
import { ownActivations } from './activations.ts';
import type { Activations } from './contract.ts';
import { groupsOf } from './groups.ts';
import { Histogram } from './histogram.ts';
import { bestQuantisation } from './ranges.ts';
import type { Statistics } from './statistics.ts';

/** Raw bytes stand for 0…1. */
export const INPUT_QUANTISATION: TensorQuantisation = { scale: 1 / 255, zeroPoint: 0, maximum: 255 };

export type Quantisations = ReadonlyMap<string, TensorQuantisation>;

/** How the values of every group of tensors spread. */
export type Histograms = ReadonlyMap<string, Histogram>;

export async function collectHistograms(
  graph: FloatGraph,
  statistics: Statistics,
  images: readonly Uint8Array[],
  advance: () => void = () => {},
  activations: Activations = ownActivations(graph),
): Promise<Histograms> {
  const groupOf = groupsOf(graph);
  const histograms = emptyHistograms(graph, statistics, groupOf);
  for (const image of images) {
    await activations.observe(image, (name, values) => histograms.get(groupOf(name))?.add(values));
    advance();
    // Lets the progress bar draw and a signal through.
    await setImmediate();
  }
  return histograms;
}

/** The quantisation of every tensor, one per group. */
export function chooseQuantisations(
  graph: FloatGraph,
  histograms: Histograms,
  precision: Precision = EIGHT_BITS,
): Quantisations {
  const maximum = activationMaximum(precision);
  // A gate lies between 0 and 1.
  const gate = { scale: 1 / (maximum + 1), zeroPoint: 0 };
  const groupOf = groupsOf(graph);
  const gates = new Set(gateGroups(graph, groupOf));
  const seenBy = functionsByGroup(graph, groupOf);
  const byGroup = new Map<string, TensorQuantisation>();
  for (const [group, histogram] of histograms) {
    const chosen = gates.has(group) ? gate : bestQuantisation(histogram, seenBy.get(group), maximum);
    byGroup.set(group, { ...chosen, maximum });
  }
  byGroup.set(groupOf(INPUT_NAME), INPUT_QUANTISATION);
  const tensors = [INPUT_NAME, ...graph.nodes.map(({ name }) => name)];
  return new Map(tensors.map((tensor) => [tensor, byGroup.get(groupOf(tensor)) ?? INPUT_QUANTISATION]));
}

function sigmoid(value: number): number {
  return 1 / (1 + Math.exp(-value));
}

function emptyHistograms(
  graph: FloatGraph,
  statistics: Statistics,
  groupOf: (tensor: string) => string,
): Map<string, Histogram> {
  const ranges = new Map<string, [number, number]>();
  for (const { name } of graph.nodes) {
    const channels = statistics.get(name);
    if (channels === undefined) throw new RangeError(`No statistics for tensor ${name}`);
    const [low, high] = ranges.get(groupOf(name)) ?? [0, 0];
    ranges.set(groupOf(name), [
      channels.minimum.reduce((least, value) => Math.min(least, value), low),
      channels.maximum.reduce((most, value) => Math.max(most, value), high),
    ]);
  }
  return new Map(Array.from(ranges, ([group, [low, high]]) => [group, new Histogram(low, high)]));
}

/** Groups that hold sigmoids and nothing else that computes. */
function gateGroups(graph: FloatGraph, groupOf: (tensor: string) => string): string[] {
  const computing = graph.nodes.filter((node) => !sharesQuantisation(node));
  const groups = new Set(computing.filter(({ op }) => op === 'sigmoid').map(({ name }) => groupOf(name)));
  for (const { op, name } of computing) if (op !== 'sigmoid') groups.delete(groupOf(name));
  return [...groups];
}

/** Groups of one tensor that one function alone reads, and that function; all sigmoids are one. */
function functionsByGroup(
  graph: FloatGraph,
  groupOf: (tensor: string) => string,
): Map<string, (value: number) => number> {
  const sizes = new Map<string, number>();
  for (const { name } of graph.nodes) sizes.set(groupOf(name), (sizes.get(groupOf(name)) ?? 0) + 1);
  const found = new Map<string, (value: number) => number>();
  for (const { name } of graph.nodes) {
    const readers = graph.nodes.filter((node) => floatInputsOf(node).includes(name));
    if (sizes.get(groupOf(name)) !== 1 || name === graph.output) continue;
    const [first] = readers;
    if (readers.length > 0 && readers.every(({ op }) => op === 'sigmoid')) found.set(groupOf(name), sigmoid);
    else if (readers.length === 1 && first.op === 'function') {
      found.set(groupOf(name), (value) => evaluateFormula(first.formula, value));
    }
  }
  return found;
}
