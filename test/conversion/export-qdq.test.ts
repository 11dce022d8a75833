/** The integer graph exported as QDQ ONNX: onnxruntime against our own interpreter, operator by operator and whole. */
import { existsSync } from 'node:fs';
import path from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  evenlySpaced,
  findCalibrationImages,
  loadImages,
  onlySplit,
} from '../../src/conversion/calibration/images.ts';
import { convert } from '../../src/conversion/convert.ts';
import { channelsFirstOrder } from '../../src/conversion/export/layout.ts';
import { exportQdq } from '../../src/conversion/export/qdq.ts';
import { prepareModel } from '../../src/conversion/prepare.ts';
import { FOUR_BITS } from '../../src/conversion/quantise/precision.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import { checkpointBytes } from '../../src/model/checkpoint/file.ts';
import { type GraphNode, INPUT_NAME, type IntegerGraph, tensorsOf } from '../../src/model/graph.ts';
import { runNode } from '../../src/model/interpreter/interpreter.ts';
import { qanaAkd1000 } from '../../src/model/networks/qana-akd1000.ts';
import { createCpuEngine } from '../../src/runtime/engine/cpu.ts';
import { DEFAULT_MODEL } from '../../src/runtime/engine/shipped-models.ts';
import { randomCheckpoint } from '../support/architectures.ts';
import { convertOnnx, randomImages } from '../support/convert-onnx.ts';
import { randomGraph, randomInput } from '../support/graphs.ts';
import { onnxruntime } from '../support/onnx.ts';
import { MODEL_CASES } from '../support/onnx-models.ts';
import { openOnnx, outlineOf, type Tensors } from '../support/onnx-session.ts';
import { phantomInputs } from '../support/phantoms.ts';
import { Random } from '../support/random.ts';
import { tinyGraph } from '../support/tiny-model.ts';

const SIDE = 8;
/** Operators that change no value: whatever runs them, they agree exactly. */
const MOVES: readonly string[] = [
  'concat',
  'maxPool',
  'flatten',
  'pad',
  'select',
  'extremum',
  'channelMaximum',
];

/** Steps between onnxruntime and the interpreter for each node, every node on onnxruntime's own inputs. */
async function stepsByNode(graph: IntegerGraph, images: readonly Uint8Array[]) {
  const written = graph.nodes.filter(({ op }) => op !== 'flatten').map(({ name }) => `${name}/uint8`);
  const seen = [`${INPUT_NAME}/uint8`, ...written];
  const { shape, quantisation } = graph.input;
  const session = await openOnnx(await exportQdq(graph), shape, seen, quantisation);
  const steps: { op: string; name: string; differences: number[] }[] = [];
  for (const image of images) {
    const tensors = channelsLast(graph, await session.run(image));
    expect(tensors.get(INPUT_NAME)).toEqual(image);
    for (const node of graph.nodes) {
      const own = runNode(node, tensors, tensorsOf(graph));
      const theirs = tensors.get(node.name) ?? own;
      tensors.set(node.name, theirs);
      steps.push({
        op: node.op,
        name: node.name,
        differences: Array.from(own, (value, i) => Math.abs(value - theirs[i])),
      });
    }
  }
  await session.close();
  return steps;
}

function channelsLast(graph: IntegerGraph, seen: Tensors): Map<string, Uint8Array> {
  const tensors = new Map<string, Uint8Array>();
  for (const [name, { shape }] of tensorsOf(graph)) {
    const values = seen.get(`${name}/uint8`);
    if (values === undefined) continue;
    const moved = new Uint8Array(values.length);
    channelsFirstOrder(shape).forEach((to, from) => {
      moved[to] = values[from];
    });
    tensors.set(name, moved);
  }
  return tensors;
}

const most = (values: readonly number[]) => values.reduce((a, b) => Math.max(a, b), 0);

async function expectAgreement(graph: IntegerGraph, images: readonly Uint8Array[]) {
  const steps = await stepsByNode(graph, images);
  expect(steps.filter(({ differences }) => most(differences) > 1)).toEqual([]);
  expect(steps.filter(({ op, differences }) => MOVES.includes(op) && most(differences) > 0)).toEqual([]);
  const all = steps.flatMap(({ differences }) => differences);
  return all.filter((difference) => difference > 0).length / all.length;
}

describe.skipIf(onnxruntime === null).each(MODEL_CASES)('$name', ({ build }) => {
  it('agrees with the interpreter within one step at every node', async () => {
    const { graph } = await convertOnnx(await build().encode(), randomImages(8, SIDE));
    // Ties and the sixteen bits between the two rounding steps decide a few per cent of the values.
    expect(await expectAgreement(graph, randomImages(2, SIDE, 3))).toBeLessThan(0.1);
  });
});

/** Factors so small that sixteen bits between the two rounding steps saturate first: no real factor says that. */
function saturatesEarly(node: GraphNode): boolean {
  return 'requantisation' in node && node.requantisation.multiplier.some((value) => value < 512);
}

describe.skipIf(onnxruntime === null)('any valid integer graph', () => {
  it('is written, loads, and agrees within one step wherever a real factor can say what the node does', async () => {
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 1e6 }), async (seed) => {
        const graph = randomGraph(seed);
        const early = new Set(graph.nodes.filter(saturatesEarly).map(({ name }) => name));
        const steps = await stepsByNode(graph, [randomInput(graph, new Random(seed))]);
        const wrong = steps.filter(({ name, differences }) => !early.has(name) && most(differences) > 1);
        expect(wrong.map(({ name, op, differences }) => [name, op, most(differences)])).toEqual([]);
      }),
      { numRuns: 60 },
    );
  });
});

describe.skipIf(onnxruntime === null)('what a float operator does not say', () => {
  it('a table that is no sigmoid is looked up among the bytes, exactly', async () => {
    const graph = tinyGraph();
    const [convolution] = graph.nodes;
    const { shape, quantisation } = convolution.output;
    const table = Uint8Array.from({ length: 256 }, (_, q) => (q * 89 + 17) % 256);
    const looked: IntegerGraph = {
      ...graph,
      nodes: [
        convolution,
        {
          op: 'table',
          name: 'table',
          sources: [],
          input: convolution.name,
          function: 'sigmoid',
          table,
          output: { shape, quantisation },
        },
      ],
      head: { ...graph.head, input: 'table' },
    };
    const steps = await stepsByNode(looked, randomImages(4, 4));
    expect(steps.filter(({ op, differences }) => op === 'table' && most(differences) > 0)).toEqual([]);
    expect((await outlineOf(await exportQdq(looked))).operators).toContain('Gather');
  });

  it('a border of another value than zero, channel by channel', async () => {
    const graph = tinyGraph();
    const [convolution, ...others] = graph.nodes;
    if (convolution.op !== 'convolution') throw new TypeError('expected a convolution');
    const bordered = { ...convolution, paddingValues: Uint8Array.of(120, 7, 255) };
    await expectAgreement({ ...graph, nodes: [bordered, ...others] }, randomImages(4, 4));
  });

  it('fifteen as the largest value of four bits', async () => {
    const small = qanaAkd1000({ inputSize: 16, widths: [4, 8], classes: 2 });
    const images = phantomInputs(3, 16);
    const bytes = checkpointBytes({ ...randomCheckpoint(small), quantisation: null });
    const prepared = await prepareModel(bytes, 'small.checkpoint');
    const calibration = { images, sha256: '0'.repeat(64), refused: [] };
    const names = { name: 'small', version: '1.0.0', sourceName: 'small.checkpoint' };
    const choices = { scheme: 'per-channel', precision: FOUR_BITS } as const;
    const { graph } = await convert(prepared, bytes, calibration, { ...names, ...choices });
    await expectAgreement(graph, images);
    expect((await outlineOf(await exportQdq(graph))).operators).toContain('Clip');
  });

  it('a factor that is not that of an average, a sum or a gate', async () => {
    const { graph } = await readBundle(DEFAULT_MODEL);
    const halved = graph.nodes.map((node) => {
      if (node.op === 'add') {
        return { ...node, multipliers: node.multipliers.map((value) => Math.floor(value / 2)) };
      }
      if (node.op !== 'multiply' && node.op !== 'averagePool') return node;
      const shift = node.requantisation.shift.map((value) => value + 1);
      return { ...node, requantisation: { ...node.requantisation, shift } };
    });
    await expectAgreement({ ...graph, nodes: halved }, phantomInputs(1, 64));
  });
});

/** An eight-bit step of the logits is 1/255 of their range over the images; this many may lie between the two. */
const LARGEST_STEPS = 8;

async function expectSameAnswers(images: readonly Uint8Array[]): Promise<void> {
  const { graph } = await readBundle(DEFAULT_MODEL);
  const classes = graph.classes.length;
  const engine = await createCpuEngine(graph);
  const { potentials } = await engine.infer(Buffer.concat(images), images.length);
  await engine.close();
  const own = Array.from(potentials, (potential) => potential * graph.head.scale);
  const range = own.reduce((a, b) => Math.max(a, b)) - own.reduce((a, b) => Math.min(a, b));
  const bound = (LARGEST_STEPS * range) / 255;
  const session = await openOnnx(await exportQdq(graph), 64);
  let agreeing = 0;
  for (const [n, image] of images.entries()) {
    const theirs = Array.from((await session.run(image)).get('logits') ?? []);
    const mine = own.slice(n * classes, (n + 1) * classes);
    expect(theirs).toHaveLength(classes);
    expect(most(mine.map((logit, c) => Math.abs(logit - theirs[c])))).toBeLessThan(bound);
    const [best, second] = mine.toSorted((a, b) => b - a);
    const agree = mine.indexOf(best) === theirs.indexOf(Math.max(...theirs));
    // Only an image that lies on the border between two classes may fall on the other side.
    expect(agree || best - second < 2 * bound).toBe(true);
    if (agree) agreeing++;
  }
  await session.close();
  expect(agreeing / images.length).toBeGreaterThanOrEqual(0.97);
}

describe.skipIf(onnxruntime === null)('QANA as QDQ', () => {
  it('keeps every operator within one step, and all but two per cent of the values equal', async () => {
    const { graph } = await readBundle(DEFAULT_MODEL);
    expect(await expectAgreement(graph, phantomInputs(1, 64))).toBeLessThan(0.02);
  });

  it('answers as the engine does on phantoms', () => expectSameAnswers(phantomInputs(100, 64)));

  it('is of opset 17, the same bytes each time, and made of standard operators only', async () => {
    const { graph } = await readBundle(DEFAULT_MODEL);
    const bytes = await exportQdq(graph);
    expect(Buffer.from(await exportQdq(graph)).equals(bytes)).toBe(true);
    const { opset, operators } = await outlineOf(bytes);
    expect(opset).toBe(17);
    expect(new Set(operators)).toEqual(
      new Set([
        'QuantizeLinear',
        'DequantizeLinear',
        'Conv',
        'Sigmoid',
        'Mul',
        'Add',
        'AveragePool',
        'Concat',
        'Flatten',
        'Unsqueeze',
        'Gemm',
      ]),
    );
  });
});

const dataset = path.join(process.env.SPIKESCOPE_DATA ?? '../shared', 'ham10000');

describe.skipIf(onnxruntime === null || !existsSync(dataset))('QANA as QDQ, on photographs', () => {
  it('answers as the engine does', async () => {
    const files = await findCalibrationImages(path.join(dataset, 'images'));
    const chosen = await onlySplit(files, path.join(dataset, 'split_lesion.csv'), 'val');
    const { images } = await loadImages(evenlySpaced(chosen, 100), [64, 64, 3]);
    await expectSameAnswers(images);
  });
});
