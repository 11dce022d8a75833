/** The charts of triage: ROC and decision curve, each with the operating point. */
import type { RocPoint } from '../statistics/operating.ts';
import { type Drawing, loadDrawing } from './charts.ts';
import type { Html } from './html.ts';

export interface OperatingPoint {
  readonly sensitivity: number;
  readonly specificity: number;
}

export interface NetBenefitPoint {
  /** Threshold probability, 0…1. */
  readonly threshold: number;
  readonly model: number;
  readonly referAll: number;
}

export interface TriageCharts {
  /** ROC from corner to corner, with the point at which triage works. */
  roc(points: readonly RocPoint[], operatingPoint: OperatingPoint): Html;
  /** Net benefit of the model, of referring everybody and nobody, with the point at which triage works. */
  decision(points: readonly NetBenefitPoint[], operatingPoint: NetBenefitPoint): Html;
}

/** @throws SpikescopeError `CHARTS_MISSING` as `loadDrawing` */
export async function loadTriageCharts(): Promise<TriageCharts> {
  const { Plot, draw } = await loadDrawing();
  return {
    roc: (points, operatingPoint) => draw(rocOptions(Plot, points, operatingPoint)),
    decision: (points, operatingPoint) => draw(decisionOptions(Plot, points, operatingPoint)),
  };
}

type Plot = Drawing['Plot'];
type Options = Parameters<Drawing['draw']>[0];

const FRAME = { width: 460, height: 410, marginLeft: 56, marginRight: 24, marginBottom: 44 } as const;

function rocOptions(Plot: Plot, points: readonly RocPoint[], operatingPoint: OperatingPoint): Options {
  const x = ({ specificity }: OperatingPoint) => 1 - specificity;
  const line = points.map((point) => ({ x: x(point), y: point.sensitivity }));
  const at = [{ x: x(operatingPoint), y: operatingPoint.sensitivity }];
  const diagonal = [
    { x: 0, y: 0 },
    { x: 1, y: 1 },
  ];
  return {
    ...FRAME,
    x: { domain: [0, 1], label: 'Benign referred (1 − specificity)', grid: true },
    y: { domain: [0, 1], label: 'Malignant referred (sensitivity)', grid: true },
    marks: [
      Plot.line(diagonal, { x: 'x', y: 'y', stroke: 'var(--muted)', strokeDasharray: '4 4' }),
      Plot.line(line, { x: 'x', y: 'y', stroke: 'var(--accent)', strokeWidth: 2 }),
      Plot.dot(at, { x: 'x', y: 'y', r: 6, fill: 'var(--bad)', stroke: 'var(--paper)', strokeWidth: 2 }),
      Plot.text(at, {
        ...{ x: 'x', y: 'y', text: () => 'triage', fill: 'var(--bad)', fontWeight: 600 },
        ...{ dy: 18, textAnchor: at[0].x > 0.85 ? 'end' : 'start', dx: at[0].x > 0.85 ? -4 : 4 },
      }),
    ],
  };
}

/** What is drawn of the curve at least: beyond it hardly anybody would weigh benefit and harm so. */
const DRAWN_TO = 0.5;

function decisionOptions(
  Plot: Plot,
  points: readonly NetBenefitPoint[],
  operatingPoint: NetBenefitPoint,
): Options {
  const last = Math.max(DRAWN_TO, Math.min(0.99, operatingPoint.threshold + 0.1));
  const shown = points.filter(({ threshold }) => threshold <= last);
  const highest = Math.max(...shown.flatMap(({ model, referAll }) => [model, referAll]), 0.01);
  const lowest = -highest / 4;
  const drawn = (line: string, of: (point: NetBenefitPoint) => number) =>
    shown.map((point) => ({ line, x: point.threshold, y: of(point) }));
  const lines = [
    ...drawn('model', ({ model }) => model),
    ...drawn('refer all', ({ referAll }) => referAll),
    ...drawn('refer none', () => 0),
  ].filter(({ y }) => y >= lowest);
  const colourOf = ({ line }: { line: string }) => (line === 'model' ? 'var(--accent)' : 'var(--muted)');
  const point = [{ x: operatingPoint.threshold, y: operatingPoint.model }];
  const label = { x: 'x', y: 'y', text: 'line' } as const;
  return {
    ...FRAME,
    x: { domain: [0, last], label: 'Threshold probability', grid: true },
    y: { domain: [lowest, highest * 1.1], label: 'Net benefit', grid: true },
    color: { type: 'identity' },
    marks: [
      Plot.line(
        lines.filter(({ line }) => line !== 'model'),
        { x: 'x', y: 'y', z: 'line', stroke: colourOf, strokeDasharray: '4 4' },
      ),
      Plot.line(
        lines.filter(({ line }) => line === 'model'),
        { x: 'x', y: 'y', stroke: 'var(--accent)', strokeWidth: 2 },
      ),
      Plot.text(at(lines, 'model', 0.7), { ...label, fill: 'var(--accent)', dy: -14 }),
      Plot.text(at(lines, 'refer all', 0.6), { ...label, fill: 'var(--muted)', textAnchor: 'start', dx: 8 }),
      Plot.text(at(lines, 'refer none', 0.9), { ...label, fill: 'var(--muted)', dy: -9 }),
      Plot.dot(point, { x: 'x', y: 'y', r: 6, fill: 'var(--bad)', stroke: 'var(--paper)', strokeWidth: 2 }),
      Plot.text(point, {
        ...{ x: 'x', y: 'y', text: () => 'triage', fill: 'var(--bad)', fontWeight: 600 },
        ...{ dx: 10, dy: -10, textAnchor: 'start' },
      }),
    ],
  };
}

/** The point of a line at a share of its way: where its name stands. */
function at<Point extends { readonly line: string }>(points: readonly Point[], line: string, share: number) {
  const own = points.filter((point) => point.line === line);
  return own.slice(Math.floor(share * (own.length - 1))).slice(0, 1);
}
