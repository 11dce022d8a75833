/** Bundles that can learn, with embeddings drawn by chance instead of computed from images. */
import type { ModelBundle } from '../../src/model/bundle/bundle.ts';
import type { LabelledEmbeddings } from '../../src/model/bundle/learning-section.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import type { HeadInput } from '../../src/runtime/inference/head.ts';
import type { Example } from '../../src/runtime/learning/teach.ts';
import { Random } from './random.ts';
import { tinyModel } from './tiny-model.ts';

export const FEATURES = 16;
export const CLASSES = ['one', 'two', 'three', 'mel'] as const;
/** A kind of case that the factory head has never seen. */
export const FOREIGN = CLASSES.length;

/** A model whose embedding has 16 channels at 2 × 2 places and whose head separates four clusters, though not well. */
function model() {
  const tiny = tinyModel();
  const [convolution, flatten] = tiny.graph.nodes;
  if (convolution.op !== 'convolution' || flatten.op !== 'flatten') throw new Error('another tiny model');
  const n = FEATURES;
  const graph = {
    ...tiny.graph,
    classes: [...CLASSES],
    nodes: [
      {
        ...convolution,
        weights: Int8Array.from({ length: n * 27 }, (_, i) => ((i * 37) % 255) - 127),
        weightScales: new Float64Array(n).fill(0.01),
        bias: new Int32Array(n),
        requantisation: {
          multiplier: new Int16Array(n).fill(1500),
          shift: new Uint8Array(n).fill(3),
        },
        output: { ...convolution.output, shape: [2, 2, n] as const },
      },
      { ...flatten, output: { ...flatten.output, shape: [1, 1, 4 * n] as const } },
    ],
    head: {
      ...tiny.graph.head,
      weights: Int8Array.from({ length: CLASSES.length * 4 * n }, (_, i) => ((i * 53) % 200) - 100),
      bias: new Int32Array(CLASSES.length),
    },
  };
  const readout = { ...tiny.readout, alpha: 0.001, thresholds: CLASSES.map(() => 0) };
  return { tiny, graph, readout };
}

/** A case of a cluster: pooled sums around a centre, and the potentials of a factory head that knows the centres roughly. */
export function drawCase(random: Random, cluster: number, shift = 0): HeadInput {
  const pooled = Int16Array.from({ length: FEATURES }, (_, k) => {
    const centre = k % (FOREIGN + 1) === cluster ? 520 : 320;
    const moved = k === FEATURES - 1 ? shift : 0;
    return Math.round(Math.min(1020, Math.max(0, centre + moved + 90 * gauss(random))));
  });
  const potentials = Int32Array.from(CLASSES, (_, c) => {
    let sum = 0;
    for (let k = c; k < FEATURES; k += FOREIGN + 1) sum += pooled[k];
    return Math.round(4 * sum + 300 * gauss(random));
  });
  return { pooled, potentials };
}

function gauss(random: Random): number {
  let sum = -6;
  for (let i = 0; i < 12; i++) sum += random.next();
  return sum;
}

export function drawExample(random: Random, label: number, shift = 0): Example {
  return { ...drawCase(random, label, shift), label };
}

function setOf(examples: readonly Example[]): LabelledEmbeddings {
  return {
    pooled: Int16Array.from(examples.flatMap(({ pooled }) => [...pooled])),
    potentials: Int32Array.from(examples.flatMap(({ potentials }) => [...potentials])),
    labels: Uint8Array.from(examples, ({ label }) => label),
  };
}

/** A whole bundle, read back from its bytes. @param perClass cases of each class in the guard set */
export function learnableBundle(seed = 1, perClass = 20): ModelBundle {
  const random = new Random(seed);
  const drawn = (n: number) =>
    CLASSES.flatMap((_, label) => Array.from({ length: n }, () => drawExample(random, label)));
  const { tiny, graph, readout } = model();
  const contents = {
    ...tiny,
    graph,
    readout,
    golden: [{ input: new Uint8Array(48), potentials: new Int32Array(CLASSES.length) }],
    learning: {
      version: 1 as const,
      features: FEATURES,
      watchedClass: 'mel',
      guard: setOf(drawn(perClass)),
      rehearsal: setOf(drawn(12)),
    },
  };
  return parseBundle(bundleBytes(contents), 'learnable.spikescope');
}
