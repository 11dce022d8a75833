/** A bundle whose hold-out set is what its own graph makes of images, so that all of it can be proven. */
import type { ModelBundle } from '../../src/model/bundle/bundle.ts';
import type { LabelledEmbeddings } from '../../src/model/bundle/learning-section.ts';
import { pooled } from '../../src/model/embedding.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { largestIndex } from '../../src/runtime/inference/readout.ts';
import { CLASSES, FEATURES, learnableBundle } from './learnable.ts';
import { consistent } from './next-model.ts';
import { Random } from './random.ts';

const PLACES = 4;
const IMAGE_BYTES = 48;
const IMAGES = 240;

/** Images of many brightnesses and colours. */
function images(): Uint8Array[] {
  const random = new Random(17);
  return Array.from({ length: IMAGES }, () => {
    const colour = [random.integer(0, 255), random.integer(0, 255), random.integer(0, 255)];
    return Uint8Array.from({ length: IMAGE_BYTES }, (_, i) =>
      Math.max(0, Math.min(255, colour[i % 3] + random.integer(-60, 60))),
    );
  });
}

/** A head that weighs the places of a channel almost alike, as trained heads do; no class is the answer to all. */
function graphOf(): IntegerGraph {
  const { graph } = learnableBundle();
  const random = new Random(5);
  const weights = Int8Array.from({ length: CLASSES.length * PLACES * FEATURES }, () => 0);
  for (let c = 0; c < CLASSES.length; c++) {
    for (let k = 0; k < FEATURES; k++) {
      const shared = random.integer(-60, 60);
      for (let place = 0; place < PLACES; place++) {
        weights[(c * PLACES + place) * FEATURES + k] = shared + random.integer(-8, 8);
      }
    }
  }
  return balanced({ ...graph, head: { ...graph.head, weights } });
}

function balanced(graph: IntegerGraph): IntegerGraph {
  const seen = images().map((image) => interpret(graph, image).potentials);
  const bias = graph.head.bias.map((own, c) => {
    const mean = seen.reduce((sum, potentials) => sum + potentials[c], 0) / seen.length;
    return own - Math.round(mean);
  });
  return { ...graph, head: { ...graph.head, bias } };
}

/** What a graph makes of the images. @param truth names them; every sixth is named otherwise */
function setOf(graph: IntegerGraph, truth: IntegerGraph, chosen: (i: number) => boolean): LabelledEmbeddings {
  const cases = images().flatMap((image, i) => {
    if (!chosen(i)) return [];
    const { potentials, embedding } = interpret(graph, image);
    const label = largestIndex(interpret(truth, image).potentials);
    return [{ potentials, sums: pooled(embedding, FEATURES), label: i % 6 === 0 ? (label + 1) % 4 : label }];
  });
  return {
    pooled: Int16Array.from(cases.flatMap(({ sums }) => [...sums])),
    potentials: Int32Array.from(cases.flatMap(({ potentials }) => [...potentials])),
    labels: Uint8Array.from(cases, ({ label }) => label),
  };
}

/**
 * @param head weights of the head; default: those that name the images
 * @param measured whether the hold-out set is measured with this head, as a publisher's tools do, or is the other's
 */
export function provableBundle(head?: Int8Array, measured = true): ModelBundle {
  const truth = graphOf();
  const graph = head === undefined ? truth : { ...truth, head: { ...truth.head, weights: head } };
  const shown = measured ? graph : truth;
  const bundle = learnableBundle();
  const share = { value: 0.9, low: 0.5, high: 1 };
  return consistent({
    ...{ ...bundle, graph, version: head === undefined ? '1.0.0' : '1.1.0' },
    golden: images()
      .slice(0, 3)
      .map((input) => ({ input, potentials: new Int32Array(CLASSES.length) })),
    readout: { ...bundle.readout, alpha: 0.0005 },
    triage: {
      ...{ version: 1, score: 'sum', malignant: ['mel'], threshold: 0.2, method: 'conformal-risk-control' },
      ...{ sensitivity: 0.9, lesions: { malignant: 60, watched: null } },
      expected: { sensitivity: share, watchedSensitivity: null, specificity: share },
    },
    learning: {
      ...{ version: 1, features: FEATURES, watchedClass: 'mel' },
      guard: setOf(shown, truth, (i) => i % 4 !== 0),
      rehearsal: setOf(shown, truth, (i) => i % 4 === 0),
    },
  });
}

/** The weights of a head in an order that has nothing to do with what they were trained for. */
export function shuffledHead({ graph }: ModelBundle): Int8Array {
  const random = new Random(3);
  const weights = graph.head.weights.slice();
  for (let i = weights.length - 1; i > 0; i--) {
    const j = random.integer(0, i);
    [weights[i], weights[j]] = [weights[j], weights[i]];
  }
  return weights;
}
