import type { ModelIdentity } from '../../model/bundle/bundle.ts';
import type { LayerActivity } from '../../model/spiking/activity.ts';
import { type Drawing, loadDrawing } from '../../report/charts.ts';
import { type Html, html } from '../../report/html.ts';
import { page, percent } from '../../report/page.ts';
import { energyLine } from '../energy/of-inference.ts';
import type { ActivityDocument } from '../spiking/document.ts';

/**
 * The page of one activity, self-contained; no photographs.
 * @param madeAt ISO 8601
 * @throws SpikescopeError `CHARTS_MISSING` when the optional packages that draw are not installed
 */
export async function activityPage(
  model: ModelIdentity,
  activity: ActivityDocument,
  madeAt: string,
): Promise<string> {
  const drawing = await loadDrawing();
  const { layers, windows, images, source, equalToEngine } = activity;
  const longest = windows[windows.length - 1];
  const title = `Spiking activity of ${model.name} ${model.version}`;
  return page(
    title,
    html`<header>
<h1>${title}</h1>
<p class="muted">${images} images: ${source} · means per image · ${madeAt.slice(0, 10)}</p>
</header>
<dl class="figures">
${figure('Spikes', millions(longest.spikes), `over ${longest.steps} steps per layer`)}
${figure('Synaptic operations', millions(longest.synapticOperations), 'one addition each')}
${figure('Active synapses', percent(longest.activeSynapses / total(layers, 'synapses')), 'lead from a neuron that is not at rest')}
${figure('Equal to the engine', `${equalToEngine} of ${images}`, 'every potential and embedding')}
</dl>
<h2>Spikes per layer</h2>
<figure>${layerChart(drawing, layers)}<figcaption>Mean firing rate of a layer’s neurons: 100 % is one spike per neuron and step. Values that can be negative rest between: the mark is the share of neurons that are not at rest.</figcaption></figure>
<h2>What fewer steps give</h2>
<div class="charts"><figure>${windowChart(drawing, activity)}<figcaption>${answersWords(activity)}</figcaption></figure>
<div class="scroll">${windowTable(activity)}</div></div>
<h2>Energy</h2>
${energyOf(activity)}
<h2>Layers</h2>
<div class="scroll">${layerTable(layers)}</div>
<footer class="muted"><p>Not a medical device. Made by <code>spikescope inspect --activity</code> on ${madeAt}. Digest <code>${model.digest}</code>.</p></footer>`,
  );
}

function figure(name: string, value: string, remark: string): Html {
  return html`<div class="figure"><dt>${name}</dt><dd class="value">${value}</dd><dd class="interval">${remark}</dd></div>`;
}

function layerChart({ Plot, draw }: Drawing, layers: readonly LayerActivity[]): Html {
  const rows = layers.filter(({ neurons, name }) => neurons > 0 && name !== 'head');
  const data = rows.map(({ name, neurons, spikes, activeNeurons }) => ({
    name,
    rate: (100 * spikes) / neurons / 255,
    active: (100 * activeNeurons) / neurons,
  }));
  return draw({
    width: 1000,
    height: 74 + 17 * rows.length,
    marginLeft: 240,
    marginBottom: 44,
    x: { domain: [0, 100], label: 'Spikes per neuron and step, %', grid: true },
    y: { domain: rows.map(({ name }) => name), label: null, tickSize: 0 },
    marks: [
      Plot.barX(data, { x: 'rate', y: 'name', fill: 'var(--accent)', insetTop: 2, insetBottom: 2 }),
      Plot.tickX(data, { x: 'active', y: 'name', stroke: 'var(--bad)', strokeWidth: 2 }),
    ],
  });
}

function windowChart({ Plot, draw }: Drawing, { windows }: ActivityDocument): Html {
  const lines = windows.flatMap(({ steps, agreement, top1 }) => [
    { steps, share: 100 * agreement, name: 'agreement', colour: 'var(--accent)' },
    ...(top1 === null ? [] : [{ steps, share: 100 * top1, name: 'top-1', colour: 'var(--good)' }]),
  ]);
  const ends = lines.filter(({ steps }) => steps === windows[windows.length - 1].steps);
  return draw({
    width: 460,
    height: 300,
    marginLeft: 52,
    marginRight: 80,
    marginBottom: 44,
    x: { type: 'log', label: 'Steps T', ticks: windows.map(({ steps }) => steps), tickFormat: 'd' },
    y: { domain: [0, 100], label: 'Images, %', grid: true },
    color: { type: 'identity' },
    marks: [
      Plot.line(lines, {
        x: 'steps',
        y: 'share',
        stroke: 'colour',
        z: 'name',
        strokeWidth: 2,
        marker: 'dot',
      }),
      Plot.text(ends, { x: 'steps', y: 'share', text: 'name', fill: 'colour', textAnchor: 'start', dx: 8 }),
    ],
  });
}

function answersWords({ windows, images }: ActivityDocument): string {
  const agreement = `Agreement: share of the ${images} images whose winning class is the integer engine’s.`;
  return windows[0].top1 === null
    ? agreement
    : `${agreement} Top-1: share whose winning class is the true one.`;
}

function windowTable({ windows }: ActivityDocument): Html {
  const rows = windows.map(
    ({ steps, spikes, synapticOperations, agreement, top1 }) =>
      html`<tr><td>${steps}</td><td>${millions(spikes)}</td><td>${millions(synapticOperations)}</td><td>${percent(agreement)}</td><td>${percent(top1)}</td></tr>`,
  );
  return html`<table><thead><tr><th>Steps</th><th>Spikes</th><th>Synaptic operations</th><th>Agreement</th><th>Top-1</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function energyOf({ energy }: ActivityDocument): Html {
  const { estimate } = energy;
  return html`<p>${sentence(energyLine(energy))}.</p>
<p>Estimate for the arithmetic of synapses alone: ${microjoules(estimate.dense)} with every synapse a multiply-add, ${microjoules(estimate.events)} where only those from neurons that are not at rest count, ${microjoules(estimate.spikes)} with an addition per spike over 255 steps.</p>
<p class="muted">Leaves out ${estimate.leavesOut}. Source: ${estimate.source}.</p>`;
}

function layerTable(layers: readonly LayerActivity[]): Html {
  const rows = layers.map(
    (layer) =>
      html`<tr><td>${layer.name}</td><td class="words">${layer.operator}</td><td>${layer.neurons}</td><td>${millions(layer.spikes)}</td><td>${percent(layer.neurons === 0 ? null : layer.activeNeurons / layer.neurons)}</td><td>${millions(layer.synapses)}</td><td>${millions(layer.synapticOperations)}</td></tr>`,
  );
  return html`<table><thead><tr><th>Layer</th><th class="words">Operator</th><th>Neurons</th><th>Spikes</th><th>Not at rest</th><th>Synapses</th><th>Synaptic operations</th></tr></thead><tbody>${rows}</tbody></table>`;
}

function total(layers: readonly LayerActivity[], figure: 'synapses'): number {
  return layers.reduce((sum, layer) => sum + layer[figure], 0);
}

function millions(count: number): string {
  return `${(count / 1e6).toFixed(2)}\u00a0M`;
}

function sentence(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1);
}

function microjoules(value: number): string {
  return `${value.toFixed(1)}\u00a0µJ`;
}
