/** The charts of a bench. */

import type { Drawing } from '../../report/charts.ts';
import type { Html } from '../../report/html.ts';
import type { GraphTiming } from '../graph.ts';
import type { GraphLayers } from '../layers.ts';
import type { MachineLimits } from '../limits.ts';

const ROW = 22;
const COLOURS = ['var(--accent)', 'var(--good)', 'var(--bad)'];

/** Medians of the engine and its peers, graph by graph, each in shares of the slowest so that all fit. */
export function barChart({ Plot, draw }: Drawing, results: readonly GraphTiming[]): Html {
  const bars = results.flatMap(({ graph, engine, peers }) => {
    const times = { spikescope: engine, ...peers };
    const longest = Math.max(...Object.values(times).map(({ median }) => median));
    return Object.entries(times).map(([name, { median }]) => ({
      graph,
      name,
      share: median / longest,
      label: `${median.toFixed(median < 10 ? 3 : 1)} ms`,
      colour: name === 'spikescope' ? 'var(--accent)' : 'var(--muted)',
    }));
  });
  return draw({
    width: 1000,
    height: 60 + bars.length * ROW + results.length * ROW,
    marginLeft: 150,
    marginRight: 130,
    x: { axis: null, domain: [0, 1] },
    y: { label: null, tickSize: 0 },
    fy: { label: null, padding: 0.15 },
    color: { type: 'identity' },
    marks: [
      Plot.barX(bars, {
        x: 'share',
        y: 'name',
        fy: 'graph',
        fill: 'colour',
        rx: 2,
        insetTop: 1,
        insetBottom: 1,
      }),
      Plot.text(bars, { x: 'share', y: 'name', fy: 'graph', text: 'label', textAnchor: 'start', dx: 6 }),
    ],
  });
}

/** Layers under the ceilings of the machine, both axes logarithmic. */
export function rooflineChart(
  { Plot, draw }: Drawing,
  { multiplyAddPeaks, bandwidths }: MachineLimits,
  graphs: readonly GraphLayers[],
): Html {
  const layers = graphs.flatMap(({ graph, layers: all }, i) =>
    all
      .filter(({ multiplyAdds }) => multiplyAdds > 0)
      .map(({ intensity, rate, description, peakShare, microseconds }) => ({
        intensity,
        rate: rate / 1e9,
        microseconds,
        colour: COLOURS[Math.min(i, COLOURS.length - 1)],
        title: `${graph}: ${description}, ${((peakShare ?? 0) * 100).toFixed(0)} % of the peak`,
      })),
  );
  const peak = Math.max(...Object.values(multiplyAddPeaks)) / 1e9;
  const [low, high] = [0.5, 2000];
  const floor = Math.min(0.5, ...layers.map(({ rate }) => rate));
  const flat = Object.entries(multiplyAddPeaks).map(([name, value]) => ({ name, y: value / 1e9 }));
  const slanted = bandwidths.map(({ place, bytesPerSecond }) => {
    const slope = bytesPerSecond / 1e9;
    const start = Math.max(low, floor / slope);
    return { name: place, x1: start, y1: start * slope, x2: peak / slope, y2: peak };
  });
  return draw({
    width: 1000,
    height: ROOFLINE_HEIGHT,
    marginLeft: 64,
    marginRight: 90,
    x: { type: 'log', domain: [low, high], label: 'Multiply-adds per byte', grid: true, tickFormat: '~s' },
    y: {
      type: 'log',
      domain: [floor, peak * 1.6],
      label: '10⁹ multiply-adds per second',
      grid: true,
      tickFormat: '~s',
    },
    r: { range: [2, 14] },
    color: { type: 'identity' },
    clip: true,
    marks: [
      Plot.ruleY(flat, { y: 'y', stroke: 'var(--muted)', strokeWidth: 1.5 }),
      Plot.text(apart(flat, peak * 1.6, floor), {
        y: 'at',
        x: high,
        text: 'name',
        textAnchor: 'start',
        dx: 6,
      }),
      Plot.link(slanted, {
        x1: 'x1',
        y1: 'y1',
        x2: 'x2',
        y2: 'y2',
        stroke: 'var(--muted)',
        strokeDasharray: '5 4',
      }),
      // Each line has its own share of the way up, so that names of close lines do not meet.
      ...slanted.map((line, i) =>
        Plot.text([alongLine(line, (i + 1) / (slanted.length + 1))], {
          x: 'x',
          y: 'y',
          text: 'name',
          textAnchor: 'end',
          dx: -6,
          dy: -4,
          stroke: 'var(--paper)',
          strokeWidth: 4,
          fill: 'currentColor',
        }),
      ),
      Plot.dot(layers, {
        x: 'intensity',
        y: 'rate',
        r: 'microseconds',
        fill: 'colour',
        fillOpacity: 0.55,
        stroke: 'colour',
        title: 'title',
      }),
    ],
  });
}

const ROOFLINE_HEIGHT = 480;
/** Pixels between two names, at least. */
const LINE_HEIGHT = 14;

/** Names of level lines on a logarithmic axis, moved apart where they would overlap: `at` is where each is written. */
export function apart<Line extends { readonly y: number }>(
  lines: readonly Line[],
  top: number,
  bottom: number,
): (Line & { readonly at: number })[] {
  const least = (top / bottom) ** (LINE_HEIGHT / ROOFLINE_HEIGHT);
  let above = Number.POSITIVE_INFINITY;
  return [...lines]
    .sort((a, b) => b.y - a.y)
    .map((line) => {
      above = Math.min(line.y, above / least);
      return { ...line, at: above };
    });
}

interface Slanted {
  readonly name: string;
  readonly x1: number;
  readonly y1: number;
  readonly x2: number;
  readonly y2: number;
}

/** The point at a share of the way along a line that is straight on logarithmic axes. */
function alongLine({ name, x1, y1, x2, y2 }: Slanted, share: number) {
  return { name, x: x1 * (x2 / x1) ** share, y: y1 * (y2 / y1) ** share };
}
