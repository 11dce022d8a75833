/** The page of one bench: bars against the other runtimes, a roofline, and every layer's share of the peak. */

import { loadDrawing } from '../../report/charts.ts';
import { type Html, html } from '../../report/html.ts';
import { fixed, page, percent } from '../../report/page.ts';
import type { BenchDocument } from '../document.ts';
import type { GraphTiming } from '../graph.ts';
import { type GraphLayers, LOW_SHARE } from '../layers.ts';
import { barChart, rooflineChart } from './charts.ts';

/**
 * Self-contained.
 * @param madeAt ISO 8601
 * @throws SpikescopeError `CHARTS_MISSING` when the optional packages that draw are not installed
 */
export async function benchPage(document: BenchDocument, madeAt: string): Promise<string> {
  const drawing = await loadDrawing();
  const { machine, model, results, limits, layers, node, start, absent } = document;
  const [first] = results;
  const single = results.filter(({ batch, threads }) => batch === 1 && threads === 1);
  const title = `Bench of ${model.name} ${model.version}`;
  return page(
    title,
    html`<header>
<h1>${title}</h1>
<p class="muted">${machine.processor}, ${machine.cores} cores, ${machine.system}, Node ${machine.node} · ${first.instructionSet} · ${madeAt.slice(0, 10)}</p>
</header>
<dl class="figures">
${figure('One image', `${fixed(first.engine.median)} ms`, `99 % within ${fixed(first.engine.p99)} ms`)}
${figure('Of the best peer’s time', percent(first.ratioToBest), 'same graph, same run')}
${figure('Of the peak', percent(layers[0]?.convolutionShare ?? null), 'convolution layers as a whole')}
${figure('A call costs', `${(1000 * node.call.median).toFixed(1)} µs`, 'beside the engine’s own time')}
${start === null ? null : figure('First potential', `${start.load.toFixed(1)} ms`, `after the path of a bundle; ${megabytes(start.memory)} of memory`)}
</dl>
<h2>Against other runtimes</h2>
<figure>${barChart(drawing, single)}<figcaption>One image at a time on one thread, medians, milliseconds from the call to the settled promise; the shorter the better. Networks other than the bundle’s have random weights.</figcaption></figure>
<div class="scroll">${timingTable(results)}</div>
${Object.entries(absent).map(([name, reason]) => html`<p class="notice">${name}: not measured, ${reason}</p>`)}
<h2>Roofline</h2>
<figure>${rooflineChart(drawing, limits, layers)}<figcaption>Every layer with weights: 8-bit multiply-adds per second against multiply-adds per byte that it must read or write. Lines: what one core does at best with each instruction set, and what it reads from each place.</figcaption></figure>
${layers.map(layerSection)}
<footer class="muted"><p>Made by <code>spikescope bench --report</code> on ${madeAt}. Digest <code>${model.digest}</code>.</p></footer>`,
  );
}

function figure(name: string, value: string, remark: string): Html {
  return html`<div class="figure"><dt>${name}</dt><dd class="value">${value}</dd><dd class="interval">${remark}</dd></div>`;
}

function timingTable(results: readonly GraphTiming[]): Html {
  const peers = [...new Set(results.flatMap((result) => Object.keys(result.peers)))];
  return html`<table><thead><tr><th>Graph</th><th>Batch</th><th>Threads</th><th>Median</th><th>90 %</th><th>99 %</th><th>Images/s</th>${peers.map((peer) => html`<th>${peer}</th>`)}<th>Of the best</th></tr></thead>
<tbody>${results.map(
    ({ graph, batch, threads, engine, imagesPerSecond, peers: times, ratioToBest }) =>
      html`<tr><td>${graph}</td><td>${batch}</td><td>${threads}</td><td>${fixed(engine.median)}</td><td>${fixed(engine.p90)}</td><td>${fixed(engine.p99)}</td><td>${imagesPerSecond.toFixed(0)}</td>${peers.map((peer) => html`<td>${fixed(times[peer]?.median ?? null)}</td>`)}<td>${fixed(ratioToBest, 2)}</td></tr>`,
  )}</tbody></table>`;
}

function layerSection({ graph, microseconds, convolutionShare, layers }: GraphLayers): Html {
  return html`<h2>Layers of ${graph}</h2>
<p>${microseconds.toFixed(0)} µs of the engine’s own; the convolution layers reach ${percent(convolutionShare)} of the peak. What stays below ${percent(LOW_SHARE, 0)} says why.</p>
<div class="scroll"><table><thead><tr><th>Layer</th><th>µs</th><th>Of the time</th><th>Multiply-adds</th><th>Of the peak</th><th class="words">Why not more</th></tr></thead>
<tbody>${layers.map(
    ({ description, microseconds: taken, timeShare, multiplyAdds, peakShare, reason }) =>
      html`<tr><td>${description}</td><td>${taken.toFixed(1)}</td><td>${percent(timeShare)}</td><td>${millions(multiplyAdds)}</td><td>${percent(peakShare)}</td><td class="words">${reason ?? ''}</td></tr>`,
  )}</tbody></table></div>`;
}

function millions(value: number): string {
  return value === 0 ? '–' : `${(value / 1e6).toFixed(2)} M`;
}

function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`;
}
