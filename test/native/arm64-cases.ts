/**
 * Writes what the emulated engine must compute: random graphs, QANA and images, with what the interpreter and the
 * reference resampling say about them. scripts/test-arm64.mjs runs this file on the machine itself, where the
 * interpreter is quick, and arm64-replay.ts under emulation.
 *
 *   node arm64-cases.js FILE GRAPHS [FIRST]      FIRST: number of the first graph (0)
 */
import { existsSync, writeFileSync } from 'node:fs';
import { serialize } from 'node:v8';
import type { Frame, Square } from '../../src/frame.ts';
import type { GoldenCase } from '../../src/model/bundle/bundle.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { type Interpretation, interpret } from '../../src/model/interpreter/interpreter.ts';
import { nativeAddon, type QualitySums } from '../../src/native/addon.ts';
import { areaResampleReference } from '../../src/preprocess/resample-reference.ts';
import { centredSquare } from '../../src/preprocess/square.ts';
import { rgbOfYuv } from '../../src/preprocess/yuv-reference.ts';
import { qanaShapedGraph, randomGraph, randomInput } from '../support/graphs.ts';
import { Random } from '../support/random.ts';

export interface GraphCase {
  readonly seed: number;
  readonly graph: IntegerGraph;
  readonly inputs: readonly Uint8Array[];
  readonly expected: readonly Interpretation[];
}

export interface ImageCase {
  readonly seed: number;
  readonly frame: Frame;
  readonly square: Square;
  readonly size: number;
  readonly resampled: Uint8Array;
  readonly quality: QualitySums;
}

export interface Cases {
  readonly random: readonly GraphCase[];
  /** The shipped model, or a graph of its shape where none ships; inputs at random. */
  readonly qana: GraphCase;
  readonly golden: readonly GoldenCase[];
  readonly images: readonly ImageCase[];
}

/** Seeds of their own, so that the tests on the machine itself see other graphs. */
const FIRST_SEED = 2_000_000;
const IMAGES = 60;
const BUNDLE = 'models/qana64.spikescope';

function graphCase(seed: number, graph: IntegerGraph): GraphCase {
  const random = new Random(seed);
  const inputs = [randomInput(graph, random), randomInput(graph, random)];
  return { seed, graph, inputs, expected: inputs.map((input) => interpret(graph, input)) };
}

/** An RGB image or a camera's frame; the quality is what this machine's addon finds. */
function imageCase(seed: number): ImageCase {
  const random = new Random(seed);
  const [width, height] = [2 * random.integer(1, 45), 2 * random.integer(1, 45)];
  const stride = width + 2 * random.integer(0, 20);
  const camera = { yuv420: random.bytes((stride * height * 3) / 2), width, height, stride };
  const rgb = rgbOfYuv(camera);
  const square = centredSquare(width, height);
  const size = random.integer(1, 70);
  const frame = seed % 2 === 0 ? rgb : camera;
  const resampled = areaResampleReference(rgb, square, size);
  return { seed, frame, square, size, resampled, quality: nativeAddon().measureQuality(rgb, square) };
}

async function makeCases(graphs: number, first: number): Promise<Cases> {
  const bundle = existsSync(BUNDLE) ? await readBundle(BUNDLE) : undefined;
  return {
    random: Array.from({ length: graphs }, (_, i) =>
      graphCase(FIRST_SEED + first + i, randomGraph(FIRST_SEED + first + i, 10)),
    ),
    qana: graphCase(1 + first, bundle?.graph ?? qanaShapedGraph(1)),
    golden: bundle?.golden ?? [],
    images: Array.from({ length: IMAGES }, (_, i) => imageCase(i)),
  };
}

const [file, graphs, first = '0'] = process.argv.slice(2);
writeFileSync(file, serialize(await makeCases(Number(graphs), Number(first))));
