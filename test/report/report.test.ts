import fc from 'fast-check';
import { parseHTML } from 'linkedom';
import { describe, expect, it } from 'vitest';
import type { EvaluationDocument } from '../../src/evaluation/document.ts';
import { protocolFigures } from '../../src/evaluation/protocols/stored-figures.ts';
import { evaluationPage } from '../../src/evaluation/report/evaluation-report.ts';
import { evaluateTriage } from '../../src/evaluation/triage/evaluate-triage.ts';
import { loadCharts } from '../../src/report/charts.ts';
import { escapeHtml, html } from '../../src/report/html.ts';
import { loadTriageCharts } from '../../src/report/triage-charts.ts';
import { figuresOf } from '../../src/statistics/figures.ts';
import type { measure } from '../../src/statistics/metrics.ts';
import { READING } from '../support/readings.ts';
import { tinyModel, tinyTriage } from '../support/tiny-model.ts';

describe('markup', () => {
  it('shows any text as it is and lets none of it become markup', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        fc.pre(!/[\0\r]/.test(text));
        const { document } = parseHTML(
          `<!doctype html><body><p title="${escapeHtml(text)}">${html`${text}`.markup}</p></body>`,
        );
        const paragraph = document.querySelector('p');
        expect(paragraph?.textContent).toBe(text);
        expect(paragraph?.getAttribute('title')).toBe(text);
        expect(paragraph?.children.length).toBe(0);
      }),
    );
  });

  it('nests without escaping twice', () => {
    const inner = html`<b>${'a & b'}</b>`;
    expect(html`<p>${inner}${[inner, inner]}${null}${7}</p>`.markup).toBe(
      `<p>${'<b>a &amp; b</b>'.repeat(3)}7</p>`,
    );
  });
});

const HOSTILE = '</svg></style><script>alert("1")</script><img src=x onerror=alert(1)>';

/** Of readings, groups and classes that bear hostile names. */
function hostileTriage() {
  const tiny = tinyModel();
  const graph = { ...tiny.graph, classes: [HOSTILE, 'nv'] };
  const attributes = { age: 50, sex: HOSTILE, bodySite: HOSTILE, acquisitionSite: HOSTILE };
  const outcomes = [0, 1, 1].map((label, i) => ({
    sample: { imageId: `${i}`, file: '', label, lesionId: HOSTILE, split: null, attributes },
    reading: {
      ...READING,
      ...{ diagnosis: i === 1 ? HOSTILE : 'nv', probabilities: { [HOSTILE]: 0.3, nv: 0.7 } },
      ...({ triage: i === 1 ? 'refer' : 'routine', malignancy: 0.3 } as const),
    },
    retake: [],
    comparison: null,
  }));
  const entry = { code: 'nv', names: { en: HOSTILE }, risk: 'benign' } as const;
  const triage = { ...tinyTriage(), malignant: [HOSTILE] };
  const { readout } = tiny;
  return evaluateTriage(
    outcomes,
    { graph, readout, classTable: { version: 1, classes: [entry] }, triage },
    new Map(),
  );
}

function hostileDocument(): {
  document: EvaluationDocument;
  reliability: ReturnType<typeof measure>['reliability'];
} {
  const classes = [HOSTILE, 'nv'];
  const predictions = [0, 1, 1].map((label) => ({ label, probabilities: [0.3, 0.7], group: HOSTILE }));
  const { figures, metrics } = figuresOf(classes, predictions);
  return {
    reliability: metrics.reliability,
    document: {
      protocol: 'lesion',
      split: 'test',
      n: 3,
      ...figures,
      classes,
      model: { name: HOSTILE, version: HOSTILE, digest: HOSTILE },
      backend: 'cpu',
      dataset: {
        name: HOSTILE,
        splitFile: HOSTILE,
        images: 5,
        missing: [HOSTILE],
        unreadable: [{ imageId: HOSTILE, file: HOSTILE, code: 'IMAGE_DAMAGED', message: HOSTILE }],
      },
      settings: { crop: true, tiling: true, limit: null },
      protocols: {
        lesion: { source: 'this run', entry: null, figures: protocolFigures(3, figures) },
        paper: { figures: null, reason: HOSTILE },
      },
      tiledShare: 0.2,
      indeterminateShare: 0,
      unfamiliarShare: 0.25,
      nothing: {
        frames: { n: 8, refused: 7, share: 7 / 8, interval: [0.5, 0.98] },
        byKind: { [HOSTILE]: { n: 8, refused: 7, share: 7 / 8, interval: [0.5, 0.98] } },
        reasons: { [HOSTILE]: 7 },
        pictures: null,
      },
      retakes: { count: 1, share: 1 / 3, reasons: { [HOSTILE]: 1 } },
      triage: hostileTriage(),
      float: { n: 3, ...figures, source: HOSTILE },
      agreement: 1,
    },
  };
}

describe('a report about hostile names', () => {
  it('holds no script, no handler and no picture but the ones it made', async () => {
    const { document, reliability } = hostileDocument();
    const mistakes = [
      {
        imageId: HOSTILE,
        truth: HOSTILE,
        named: HOSTILE,
        confidence: 1,
        thumbnail: 'data:image/jpeg;base64,AA==',
      },
      { imageId: 'x', truth: 'a', named: 'b', confidence: 0.5, thumbnail: null },
    ];
    const page = evaluationPage(
      { document, reliability, mistakes, madeAt: '2030-01-01T00:00:00Z' },
      { ...(await loadCharts()), ...(await loadTriageCharts()) },
    );
    const { document: parsed } = parseHTML(page);
    expect(parsed.querySelectorAll('script')).toHaveLength(0);
    expect(parsed.querySelectorAll('img')).toHaveLength(1);
    expect(parsed.querySelectorAll('[onerror]')).toHaveLength(0);
    expect(parsed.querySelectorAll('svg')).toHaveLength(5);
    expect(parsed.querySelector('h1')?.textContent).toContain(HOSTILE);
    expect(parsed.body.textContent).toMatch(/all drawn frames887\.5\s%50\.0\s% … 98\.0\s%/);
  });
});
