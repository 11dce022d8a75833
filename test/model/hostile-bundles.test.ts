/** Bundles whose digest is right and whose contents mean harm: they are refused, or what they read is sound. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import type { ModelBundle } from '../../src/model/bundle/bundle.ts';
import { packContainer, unpackContainer } from '../../src/model/bundle/container.ts';
import { documentOf } from '../../src/model/bundle/document.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import type { ConvolutionNode, GraphNode, IntegerGraph } from '../../src/model/graph.ts';
import { MAXIMUM_REPLAY, workOf } from '../../src/model/validate/budget.ts';
import { validateGraph } from '../../src/model/validate/validate.ts';
import { resultOf } from '../../src/runtime/appliance/make-result.ts';
import { createCpuEngine } from '../../src/runtime/engine/cpu.ts';
import { replayGolden } from '../../src/runtime/engine/golden.ts';
import { createClassifier } from '../../src/runtime/inference/classifier.ts';
import { softmax } from '../../src/runtime/inference/readout.ts';
import { resultSchema } from '../../src/telehealth/result.ts';
import { corpusBundles } from '../support/bundle-corpus.ts';
import { drawnLesion } from '../support/drawn-lesion.ts';
import { tinyGraph, tinyModel } from '../support/tiny-model.ts';
import { wholeBundle } from '../support/whole-bundle.ts';

const EXTREMES = [
  ...[0, -0, 1, -1, 0.5, 1.5, 255, 256, 1024, 65_535, 65_536, 2 ** 24, 2 ** 31 - 1, 2 ** 31, 2 ** 53],
  ...[5e-324, 1e-30, 1e30, 1e31, 1e308, -1e308],
];
const INT32 = [-(2 ** 31), 2 ** 31 - 1, 0, 1];
const frame = drawnLesion(180, 160);

type Path = readonly (string | number)[];

/** Where the numbers of a document stand. */
function numbersIn(value: unknown, path: Path = []): Path[] {
  if (typeof value === 'number') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) => numbersIn(item, [...path, key]));
}

/** The document with another number at this place. */
function withNumber(value: unknown, [key, ...rest]: Path, number: number): unknown {
  if (key === undefined) return number;
  if (typeof value !== 'object' || value === null) throw new RangeError('no such place');
  const changed = withNumber(Reflect.get(value, key), rest, number);
  return Array.isArray(value)
    ? value.map((item, i) => (String(i) === String(key) ? changed : item))
    : { ...value, [key]: changed };
}

function refusalOf(action: () => unknown): RefusedError {
  try {
    action();
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

/** Null where the bundle is refused in the project's words. */
function parsedOrRefused(bytes: Uint8Array): ModelBundle | null {
  try {
    return wholeBundle(bytes, 'forged');
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    expect(error.code).toMatch(/^(BUNDLE|GRAPH)_/);
    return null;
  }
}

/** Reads an image with what was accepted; a golden input that differs is a refusal too. */
async function readSoundly(bundle: ModelBundle): Promise<void> {
  expect(workOf(bundle.graph) * bundle.golden.length).toBeLessThanOrEqual(MAXIMUM_REPLAY);
  for (const probability of softmax(bundle.readout.alpha, INT32)) {
    expect(probability).toBeGreaterThanOrEqual(0);
    expect(probability).toBeLessThanOrEqual(1);
  }
  const engine = await createCpuEngine(bundle.graph);
  try {
    await replayGolden(bundle, engine);
    if (bundle.preprocessing.width !== bundle.preprocessing.height) return;
    const classifier = createClassifier(bundle, engine, { integrityCheck: false, crop: true, tiling: true });
    const { reading } = await classifier.classify(frame);
    const context = {
      ...{ id: 'a7d3f2c4-58b1-4c1e-9a55-0d2b7f3e6a10', device: 'scope-1' },
      ...{ capturedAt: new Date(0), source: 'phantom' as const },
    };
    const published = JSON.parse(JSON.stringify(resultOf(reading, context)));
    expect(resultSchema.safeParse(published).error).toBeUndefined();
  } catch (error) {
    if (!(error instanceof RefusedError) || error.code !== 'BUNDLE_GOLDEN') throw error;
  } finally {
    await engine.close();
  }
}

const corpus = [...corpusBundles()].map(([name, bytes]) => ({ name, ...unpackContainer(bytes, name) }));

describe('a bundle with one number replaced by an extreme one', () => {
  it.each(corpus.filter(({ name }) => ['plain', 'learning', 'scope'].includes(name)))(
    'is refused, or reads as its schema says: every number of $name',
    async ({ document, data }) => {
      const places = numbersIn(document);
      expect(places.length).toBeGreaterThan(50);
      for (const place of places) {
        for (const number of EXTREMES) {
          const bundle = parsedOrRefused(packContainer(withNumber(document, place, number), data));
          if (bundle !== null) await readSoundly(bundle);
        }
      }
    },
  );

  it('is refused, or reads as its schema says: any number of any operator', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...corpus),
        fc.nat(),
        fc.constantFrom(...EXTREMES),
        async ({ document, data }, at, number) => {
          const places = numbersIn(document);
          const changed = withNumber(document, places[at % places.length], number);
          const bundle = parsedOrRefused(packContainer(changed, data));
          if (bundle !== null) await readSoundly(bundle);
        },
      ),
      { numRuns: 800 },
    );
  });
});

// biome-ignore lint/suspicious/noExplicitAny: a forger writes what no type allows
type Forgery = (document: any) => void;

function forged(change: Forgery): Uint8Array {
  const { document, data } = documentOf(tinyModel());
  const copy = JSON.parse(JSON.stringify(document));
  change(copy);
  return packContainer(copy, data);
}

describe('a sealed bundle that means harm', () => {
  const classes = (names: readonly string[]): Forgery => {
    return (d) => {
      d.graph.classes = names;
    };
  };
  const forgeries: [string, string, Forgery][] = [
    ['an alpha that turns potentials into infinities', 'readout.alpha', (d) => (d.readout.alpha = 1e308)],
    ['a scale beyond single precision', 'graph.head.scale', (d) => (d.graph.head.scale = 1e39)],
    ['a focus that no image has', 'preprocessing.quality.minimumFocus', focusBeyond],
    ['a contrast that no image has', 'preprocessing.quality.minimumContrast', contrastBeyond],
    ['a class named as the answer of a retake', 'graph.classes.0', classes(['retake', 'malign'])],
    ['a class named as the answer in doubt', 'graph.classes.1', classes(['benign', 'indeterminate'])],
    ['a class named as an answer in other letters', 'graph.classes.0', classes(['ＲＥtake', 'malign'])],
    ['two classes of one name', 'graph.classes', classes(['malign', 'malign'])],
    ['two classes of names that look alike', 'graph.classes', classes(['naevus', 'ｎaevus'])],
    ['a class named __proto__', 'graph.classes.0', classes(['__proto__', 'malign'])],
    ['a class named constructor', 'graph.classes.0', classes(['constructor', 'malign'])],
    ['a class whose name clears the screen', 'graph.classes.0', classes(['be\u001b[2Jnign', 'malign'])],
    ['a class whose name runs backwards', 'graph.classes.0', classes(['\u202engineb', 'malign'])],
    ['a class whose name holds half a character', 'graph.classes.0', classes(['be\ud800nign', 'malign'])],
    ['a class named by spaces', 'graph.classes.0', classes(['  ', 'malign'])],
    ['a name that rings the bell', 'name', (d) => (d.name = 'tiny\u0007')],
    ['a version of two lines', 'version', (d) => (d.version = '1\n2')],
    ['a card as long as a book', 'card.description', (d) => (d.card.description = 'x'.repeat(100_000))],
  ];
  function focusBeyond(d: { preprocessing: { quality: { minimumFocus: number } } }): void {
    d.preprocessing.quality.minimumFocus = 2e6;
  }
  function contrastBeyond(d: { preprocessing: { quality: { minimumContrast: number } } }): void {
    d.preprocessing.quality.minimumContrast = 128;
  }

  it.each(forgeries)('with %s is refused: %s', (_, field, forge) => {
    const refusal = refusalOf(() => wholeBundle(forged(forge), 'stick/model'));
    expect([refusal.code, refusal.details.field]).toEqual(['BUNDLE_SCHEMA', field]);
  });

  it.each([
    ['manifest', { manifest: { floatNodes: 'many' } }],
    ['card', { card: { description: 7 } }],
    ['learning', { learning: { version: 2 } }],
    ['akidaPrograms', { akidaPrograms: { version: 2 } }],
  ] as const)(
    'is read before its %s, which no reading needs, and refused when that is asked for',
    (part, wrong) => {
      const { document, data } = documentOf(tinyModel());
      const bundle = parseBundle(packContainer({ ...Object(document), ...wrong }, data), 'stick/model');
      expect(bundle.graph.classes).toEqual(tinyModel().graph.classes);
      for (let asked = 0; asked < 2; asked++) {
        const refusal = refusalOf(() => bundle[part]);
        expect([refusal.code, refusal.details.file]).toEqual(['BUNDLE_SCHEMA', 'stick/model']);
        expect(refusal.details.field).toMatch(new RegExp(`^${part}`));
      }
    },
  );

  it.each([
    ['lists within lists', () => JSON.parse(`${'['.repeat(500)}${']'.repeat(500)}`)],
    ['a million small values', () => new Array(1_000_000).fill(0)],
    ['nine million characters', () => 'x'.repeat(9_000_000)],
  ])('with %s in its document is refused before anything goes through them', (_, make) => {
    const bytes = packContainer({ ...tinyModel(), card: make() }, new Uint8Array(0));
    const refusal = refusalOf(() => wholeBundle(bytes, 'model'));
    expect([refusal.code, refusal.details.expected]).toEqual([
      'BUNDLE_DOCUMENT',
      expect.stringContaining('at most'),
    ]);
  });
});

/** A convolution of nothing but zeros. */
function convolution(
  name: string,
  input: string,
  [height, width, channels]: readonly [number, number, number],
  inputs: number,
  change: Partial<ConvolutionNode> = {},
): ConvolutionNode {
  const [sample] = tinyGraph().nodes;
  if (sample.op !== 'convolution') throw new Error('the tiny graph starts with a convolution');
  const kernel = change.kernel ?? [3, 3];
  return {
    ...sample,
    ...{ name, input, kernel, stride: [1, 1], padding: { top: 1, left: 1, bottom: 1, right: 1 } },
    paddingValues: new Uint8Array(inputs),
    weights: new Int8Array(channels * kernel[0] * kernel[1] * inputs),
    weightScales: new Float64Array(channels).fill(1),
    bias: new Int32Array(channels),
    requantisation: {
      multiplier: new Int16Array(channels).fill(1024),
      shift: new Uint8Array(channels).fill(5),
    },
    output: { ...sample.output, shape: [height, width, channels] },
    ...change,
  };
}

function graphOf(side: number, nodes: readonly GraphNode[], embedding: number): IntegerGraph {
  const tiny = tinyGraph();
  return {
    ...tiny,
    input: { ...tiny.input, shape: [side, side, 3] },
    nodes,
    head: {
      ...tiny.head,
      ...{ input: nodes[nodes.length - 1].name, bias: new Int32Array(2) },
      weights: new Int8Array(2 * embedding),
    },
  };
}

describe('the work and the memory that a graph asks for', () => {
  it('may be those of VGG-16 at 224×224', () => {
    const nodes: GraphNode[] = [];
    let [side, channels, input] = [224, 3, 'input'];
    for (const [stage, widths] of [
      [64, 64],
      [128, 128],
      [256, 256, 256],
      [512, 512, 512],
      [512, 512, 512],
    ].entries()) {
      for (const [i, width] of widths.entries()) {
        nodes.push(convolution(`c${stage}.${i}`, input, [side, side, width], channels));
        [channels, input] = [width, `c${stage}.${i}`];
      }
      side /= 2;
      const { output } = nodes[nodes.length - 1];
      nodes.push({
        ...{ op: 'maxPool', name: `p${stage}`, sources: [], input, kernel: [2, 2], stride: [2, 2] },
        padding: { top: 0, left: 0, bottom: 0, right: 0 },
        output: { ...output, shape: [side, side, channels] },
      });
      input = `p${stage}`;
    }
    const unpadded = { padding: { top: 0, left: 0, bottom: 0, right: 0 } };
    nodes.push(convolution('fc6', input, [1, 1, 4096], 512, { kernel: [7, 7], ...unpadded }));
    nodes.push(convolution('fc7', 'fc6', [1, 1, 4096], 4096, { kernel: [1, 1], ...unpadded }));
    const graph = graphOf(224, nodes, 4096);
    expect(() => validateGraph(graph)).not.toThrow();
    expect(4 * workOf(graph)).toBeLessThan(MAXIMUM_REPLAY);
  });

  it('are refused where a few weights are laid over a large plane again and again', () => {
    const nodes = Array.from({ length: 40 }, (_, i) =>
      convolution(`c${i}`, i === 0 ? 'input' : `c${i - 1}`, [800, 800, 3], 3, {
        ...{ kernel: [31, 31], padding: { top: 15, left: 15, bottom: 15, right: 15 } },
      }),
    );
    const refusal = refusalOf(() => validateGraph(graphOf(800, nodes, 800 * 800 * 3)));
    expect(refusal.code).toBe('GRAPH_WORK');
  });

  it('are refused where a pool goes through the whole plane for every pixel of it', () => {
    const side = 1000;
    const { input } = tinyGraph();
    const pool: GraphNode = {
      ...{ op: 'maxPool', name: 'pool', sources: [], input: 'input', kernel: [999, 999], stride: [1, 1] },
      padding: { top: 499, left: 499, bottom: 499, right: 499 },
      output: { ...input, shape: [side, side, 3] },
    };
    const refusal = refusalOf(() => validateGraph(graphOf(side, [pool], side * side * 3)));
    expect(refusal.code).toBe('GRAPH_WORK');
  });

  it('are refused where the padding is larger than any image', () => {
    const node = convolution('c', 'input', [1, 1, 2], 3, {
      ...{ kernel: [1, 1], stride: [9000, 9000] },
      padding: { top: 4096, left: 4096, bottom: 4096, right: 4096 },
    });
    expect(refusalOf(() => validateGraph(graphOf(4, [node], 2))).code).toBe('GRAPH_SIZE');
  });

  it('are refused where many tensors that fit one by one do not fit together', () => {
    const tiny = tinyGraph();
    const nodes = Array.from(
      { length: 50 },
      (_, i): GraphNode => ({
        ...{ op: 'table', name: `t${i}`, sources: [], input: i === 0 ? 'input' : `t${i - 1}`, function: 'x' },
        table: new Uint8Array(256),
        output: { ...tiny.input, shape: [1024, 1024, 3] },
      }),
    );
    expect(refusalOf(() => validateGraph(graphOf(1024, nodes, 1024 * 1024 * 3))).code).toBe('GRAPH_SIZE');
  });

  it('are refused where an embedding is as large as an image', () => {
    const node = convolution('c', 'input', [1024, 1024, 2], 3);
    const refusal = refusalOf(() => validateGraph(graphOf(1024, [node], 1024 * 1024 * 2)));
    expect([refusal.code, refusal.details.node]).toEqual(['GRAPH_SIZE', 'head']);
  });

  it('are refused where the golden inputs together take too long', () => {
    const model = tinyModel();
    const nodes = Array.from({ length: 3 }, (_, i) =>
      convolution(`c${i}`, i === 0 ? 'input' : `c${i - 1}`, [400, 400, 3], 3, {
        ...{ kernel: [31, 31], padding: { top: 15, left: 15, bottom: 15, right: 15 } },
      }),
    );
    const graph = graphOf(400, nodes, 400 * 400 * 3);
    const one = { input: new Uint8Array(400 * 400 * 3), potentials: new Int32Array(2) };
    const bytes = (golden: number) => {
      const contents = {
        ...{ ...model, graph, golden: new Array<typeof one>(golden).fill(one) },
        preprocessing: { ...model.preprocessing, width: 400, height: 400 },
      };
      const { document, data } = documentOf(contents);
      return packContainer(document, data);
    };
    expect(wholeBundle(bytes(1), 'model').golden.length).toBe(1);
    const refusal = refusalOf(() => wholeBundle(bytes(64), 'model'));
    expect([refusal.code, refusal.details.field]).toEqual(['BUNDLE_INCONSISTENT', 'golden']);
  });
});
