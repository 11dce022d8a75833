/** The smallest complete model: one convolution, flatten, two classes. For tests of everything around the network. */
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import type { ClassTableSection } from '../../src/model/bundle/class-table-section.ts';
import type { TriageSection } from '../../src/model/bundle/triage-section.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';

export function tinyGraph(): IntegerGraph {
  return {
    input: { shape: [4, 4, 3], quantisation: { scale: 1 / 255, zeroPoint: 0 } },
    classes: ['benign', 'malign'],
    nodes: [
      {
        op: 'convolution',
        name: 'convolution',
        sources: ['Conv_0'],
        input: 'input',
        kernel: [3, 3],
        stride: [2, 2],
        padding: { top: 0, left: 0, bottom: 1, right: 1 },
        groups: 1,
        paddingValues: new Uint8Array(3),
        weights: Int8Array.from({ length: 2 * 27 }, (_, i) => ((i * 37) % 255) - 127),
        weightScales: Float64Array.of(0.01, 0.02),
        bias: Int32Array.of(500, -700),
        requantisation: { multiplier: Int16Array.of(1500, 1100), shift: Uint8Array.of(3, 4) },
        clamp: { minimum: 3, maximum: 250 },
        output: { shape: [2, 2, 2], quantisation: { scale: 0.05, zeroPoint: 3 } },
      },
      {
        op: 'flatten',
        name: 'embedding',
        sources: [],
        input: 'convolution',
        output: { shape: [1, 1, 8], quantisation: { scale: 0.05, zeroPoint: 3 } },
      },
    ],
    head: {
      input: 'embedding',
      sources: ['Gemm_1'],
      weights: Int8Array.from({ length: 16 }, (_, i) => ((i * 53) % 200) - 100),
      bias: Int32Array.of(10, -20),
      scale: 0.001,
    },
  };
}

export function tinyModel(): ModelContents {
  const graph = tinyGraph();
  const input = Uint8Array.from({ length: 48 }, (_, i) => (i * 11) % 256);
  return {
    name: 'tiny',
    version: '1.0.0',
    graph,
    preprocessing: {
      width: 4,
      height: 4,
      colour: 'rgb',
      resampling: 'area',
      crop: { enabled: false, massShare: 0.8, minimumSide: 0.5, flatness: 0.15, centreTolerance: 0.1 },
      quality: { minimumSide: 150, maximumClippedShare: 0.5, minimumContrast: 2, minimumFocus: 1 },
    },
    readout: {
      alpha: graph.head.scale,
      thresholds: [0, 0],
      tiling: { enabled: false, tau: 0, overlap: 0.2 },
      fittedOn: null,
    },
    golden: [{ input, potentials: interpret(graph, input).potentials }],
    manifest: {
      source: { name: 'tiny.onnx', sha256: '0'.repeat(64), format: 'onnx', opset: 13 },
      weightQuantisation: 'per-channel',
      calibration: { images: 0, sha256: '0'.repeat(64) },
      floatNodes: 2,
      nodesNeedingDequantisation: [],
      conversionSuccessRate: 1,
      layers: [],
      targets: {
        cpu: { maps: true, unmapped: [] },
        akd1000: { maps: true, unmapped: [] },
        akida2: { maps: true, unmapped: [] },
      },
    },
    card: {
      description: 'For tests',
      data: 'none',
      protocol: 'none',
      licence: 'Apache-2.0',
      metrics: {},
      limitations: [],
    },
  };
}

/** A rule that refers every other lesion or so. */
export function tinyTriage(threshold = 0.5): TriageSection {
  const figure = { value: 0.95, low: 0.9, high: 0.99 };
  return {
    version: 1,
    score: 'sum',
    malignant: ['malign'],
    threshold,
    method: 'conformal-risk-control',
    sensitivity: 0.95,
    lesions: { malignant: 100, watched: null },
    expected: { sensitivity: figure, watchedSensitivity: null, specificity: figure },
  };
}

/** A table with every kind of member; `malign` is the class that is watched. */
export function tinyTable(): ClassTableSection {
  return {
    version: 1,
    classes: [
      { code: 'benign', names: { en: 'a harmless spot', 'pt-BR': 'uma mancha inofensiva' }, risk: 'benign' },
      {
        code: 'malign',
        names: { de: 'ein böser Fleck', en: 'a bad spot' },
        risk: 'malignant',
        snomed: '93655004',
        icd10: 'C43.9',
        watched: true,
      },
    ],
  };
}
