import { printable } from '../../errors.ts';
import { energyLine } from '../../evaluation/energy/of-inference.ts';
import type { ActivityDocument, WindowFigures } from '../../evaluation/spiking/document.ts';
import type { LayerActivity } from '../../model/spiking/activity.ts';
import { FULL_SCALE } from '../../model/spiking/code.ts';
import { colour } from '../../ui/terminal/console.ts';
import { percent } from '../../ui/terminal/layout.ts';
import { tableLines } from '../../ui/terminal/table.ts';

const BAR = 24;

/** The activity for people, as lines: a bar per layer, a row per window. */
export function activityLines({ layers, windows, energy, ...activity }: ActivityDocument): string[] {
  const { images, source, equalToEngine, unreadable } = activity;
  return [
    colour.bold(
      `Activity on ${images} images: ${printable(source)}; means per image over ${FULL_SCALE} steps`,
    ),
    ...tableLines(
      [
        ['layer', 'operator', 'spikes', 'per neuron and step', '', 'not at rest', 'synaptic operations'].map(
          colour.dim,
        ),
        ...layers.map(layerRow),
      ],
      [0, 1, 3],
    ),
    '',
    colour.bold('What fewer steps give'),
    ...tableLines([
      ['steps', 'spikes', 'synaptic operations', 'agreement', 'top-1'].map(colour.dim),
      ...windows.map(windowRow),
    ]),
    '',
    `${equalToEngine} of ${images} images: spike counts over ${FULL_SCALE} steps equal the engine's integers`,
    ...(unreadable === 0 ? [] : [`${unreadable} files could not be read`]),
    ...energyLines(energy),
  ];
}

function layerRow({
  name,
  operator,
  neurons,
  spikes,
  activeNeurons,
  synapticOperations,
}: LayerActivity): string[] {
  const fires = neurons > 0 && operator !== 'head';
  const rate = fires ? spikes / neurons / FULL_SCALE : 0;
  return [
    printable(name),
    operator,
    fires ? millions(spikes) : '',
    fires ? barOf(rate) : '',
    fires ? percent(rate) : '',
    fires ? percent(activeNeurons / neurons) : '',
    synapticOperations === 0 ? '' : millions(synapticOperations),
  ];
}

function barOf(share: number): string {
  const filled = Math.round(BAR * share);
  return '█'.repeat(filled) + '░'.repeat(BAR - filled);
}

function windowRow({ steps, spikes, synapticOperations, agreement, top1 }: WindowFigures): string[] {
  return [
    String(steps),
    millions(spikes),
    millions(synapticOperations),
    percent(agreement),
    top1 === null ? '–' : percent(top1),
  ];
}

function energyLines(energy: ActivityDocument['energy']): string[] {
  const { dense, events, spikes, source } = energy.estimate;
  return [
    energyLine(energy),
    `  estimate, arithmetic of synapses alone: ${dense.toFixed(1)} µJ dense, ${events.toFixed(1)} by events, ${spikes.toFixed(1)} by single spikes`,
    colour.dim(`  ${source}`),
  ];
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(2)} M`;
}
