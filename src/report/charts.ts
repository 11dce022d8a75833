/** Charts as static SVG, drawn in the page's own colours so that they follow light, dark and print. */
import { SpikescopeError } from '../errors.ts';
import type { ReliabilityBin } from '../statistics/reliability.ts';
import { Html } from './html.ts';

type Plot = typeof import('@observablehq/plot');
type Options = Omit<import('@observablehq/plot').PlotOptions, 'document'>;

export interface Charts {
  /** Confusion matrix, shaded by the share of each true class; numbers of images in the cells. */
  confusion(classes: readonly string[], confusion: readonly (readonly number[])[]): Html;
  /** Accuracy per confidence bin against the diagonal of perfect calibration. */
  reliability(bins: readonly ReliabilityBin[]): Html;
  /** Numbers of right and wrong answers per confidence bin. */
  confidence(bins: readonly ReliabilityBin[]): Html;
  /** One line per name over the epochs of a training. */
  curves(points: readonly CurvePoint[], label: string): Html;
}

export interface CurvePoint {
  readonly name: string;
  readonly epoch: number;
  readonly value: number;
}

/** The library that plots, and what makes a chart of its options. */
export interface Drawing {
  readonly Plot: Plot;
  draw(options: Options): Html;
}

/** @throws SpikescopeError `CHARTS_MISSING` when the optional packages that draw are not installed */
export async function loadDrawing(): Promise<Drawing> {
  const [Plot, { parseHTML }] = await importing();
  return {
    Plot,
    draw(options) {
      // A page of its own for each chart: the library only needs something that makes elements.
      const { document } = parseHTML('<!doctype html><html><body></body></html>');
      const drawn = Plot.plot({
        ...options,
        document,
        style: { background: 'transparent', fontSize: '12px' },
      });
      return new Html(drawn.outerHTML);
    },
  };
}

/** @throws SpikescopeError `CHARTS_MISSING` as `loadDrawing` */
export async function loadCharts(): Promise<Charts> {
  const { Plot, draw } = await loadDrawing();
  return {
    confusion: (classes, confusion) => draw(confusionOptions(Plot, classes, confusion)),
    reliability: (bins) => draw(reliabilityOptions(Plot, bins)),
    confidence: (bins) => draw(confidenceOptions(Plot, bins)),
    curves: (points, label) => draw(curveOptions(Plot, points, label)),
  };
}

async function importing(): Promise<[Plot, typeof import('linkedom')]> {
  try {
    return await Promise.all([import('@observablehq/plot'), import('linkedom')]);
  } catch (cause) {
    throw new SpikescopeError('CHARTS_MISSING', 'The packages that draw charts are not installed', {
      expected: '@observablehq/plot and linkedom',
      remedy: 'run `npm install @observablehq/plot linkedom`, or leave the HTML report out',
      cause,
    });
  }
}

function confusionOptions(
  Plot: Plot,
  classes: readonly string[],
  confusion: readonly (readonly number[])[],
): Options {
  const cells = confusion.flatMap((row, t) => {
    const support = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, n) => ({
      truth: classes[t],
      named: classes[n],
      count,
      share: support === 0 ? 0 : count / support,
    }));
  });
  return {
    width: 520,
    height: 460,
    marginLeft: 64,
    marginTop: 44,
    x: { domain: classes, axis: 'top', label: 'Named', tickSize: 0 },
    y: { domain: classes, label: 'True', tickSize: 0 },
    opacity: { domain: [0, 1], range: [0.04, 1] },
    marks: [
      Plot.cell(cells, {
        x: 'named',
        y: 'truth',
        fill: 'var(--accent)',
        fillOpacity: 'share',
        inset: 1,
        rx: 3,
      }),
      Plot.text(cells, {
        x: 'named',
        y: 'truth',
        text: ({ count }) => (count === 0 ? '·' : String(count)),
        fill: ({ share }) => (share > 0.5 ? 'var(--on-accent)' : 'var(--text)'),
        fontSize: 13,
      }),
    ],
    color: { type: 'identity' },
  };
}

function reliabilityOptions(Plot: Plot, bins: readonly ReliabilityBin[]): Options {
  const filled = bins.filter(({ count }) => count > 0);
  return {
    width: 460,
    height: 410,
    marginLeft: 52,
    marginBottom: 44,
    x: { domain: [0, 1], label: 'Confidence', grid: true },
    y: { domain: [0, 1], label: 'Share that is right', grid: true },
    marks: [
      Plot.rect(filled, {
        x1: 'from',
        x2: 'to',
        y1: 0,
        y2: 'accuracy',
        fill: 'var(--accent)',
        fillOpacity: 0.75,
        inset: 1,
      }),
      Plot.link(filled, {
        x1: 'confidence',
        x2: 'confidence',
        y1: 'confidence',
        y2: 'accuracy',
        stroke: 'var(--bad)',
        strokeWidth: 2.5,
      }),
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: 'var(--muted)', strokeDasharray: '4 4' },
      ),
      Plot.ruleY([0]),
    ],
  };
}

function confidenceOptions(Plot: Plot, bins: readonly ReliabilityBin[]): Options {
  const parts = bins.flatMap(({ from, to, count, accuracy }) => {
    const right = Math.round(count * (accuracy ?? 0));
    return [
      { from, to, low: 0, high: right, colour: 'var(--good)' },
      { from, to, low: right, high: count, colour: 'var(--bad)' },
    ];
  });
  return {
    width: 460,
    height: 410,
    marginLeft: 52,
    marginBottom: 44,
    x: { domain: [0, 1], label: 'Confidence' },
    y: { label: 'Images', grid: true },
    color: { type: 'identity' },
    marks: [
      Plot.rect(parts, {
        x1: 'from',
        x2: 'to',
        y1: 'low',
        y2: 'high',
        fill: 'colour',
        fillOpacity: 0.8,
        insetLeft: 1,
        insetRight: 1,
      }),
      Plot.ruleY([0]),
    ],
  };
}

/** The page's own colours, in the order of the names. */
const LINES = ['var(--accent)', 'var(--good)', 'var(--bad)'];

function curveOptions(Plot: Plot, points: readonly CurvePoint[], label: string): Options {
  const names = [...new Set(points.map(({ name }) => name))];
  const ends = names.map((name) => points.filter((point) => point.name === name).slice(-1)[0]);
  const colourOf = ({ name }: CurvePoint) => LINES[names.indexOf(name) % LINES.length];
  return {
    width: 460,
    height: 300,
    marginLeft: 56,
    marginRight: 64,
    x: { label: 'Epoch' },
    y: { label, grid: true },
    color: { type: 'identity' },
    marks: [
      Plot.line(points, { x: 'epoch', y: 'value', z: 'name', stroke: colourOf, strokeWidth: 2 }),
      Plot.text(ends, { x: 'epoch', y: 'value', text: 'name', fill: colourOf, textAnchor: 'start', dx: 6 }),
    ],
  };
}
