/** Networks that others designed, through the converter: whether they convert, what is left of their answers, and time. */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { openActivations } from '../conversion/calibration/activations.ts';
import type { CalibrationSet } from '../conversion/calibration/images.ts';
import { convert } from '../conversion/convert.ts';
import { exportQdq } from '../conversion/export/qdq.ts';
import type { Normalisation } from '../conversion/fold/input.ts';
import { prepareModel } from '../conversion/prepare.ts';
import type { Agreement, JudgedImages } from '../conversion/scrutiny/agreement.ts';
import { Noise } from '../conversion/scrutiny/noise.ts';
import { RefusedError } from '../errors.ts';
import { goldenOf, measureModelAgreement } from '../evaluation/engine-trace.ts';
import { openFloatModel } from '../evaluation/float-model.ts';
import type { ModelContents } from '../model/bundle/bundle.ts';
import { largestIndex } from '../runtime/inference/readout.ts';
import { FLOAT_PEER, type GraphTiming, INTEGER_PEER, timeGraph } from './graph.ts';
import { onnxruntimePeer } from './peers/onnxruntime.ts';

/** Seconds of processor and wall that a conversion took, from the file to the graph that is judged. */
export interface ConversionTime {
  readonly wall: number;
  readonly processor: number;
}

/** Of the float network's answers. */
export type Kept = Pick<Agreement, 'images' | 'same' | 'decibels'>;

export interface ArchitectureFigures {
  readonly name: string;
  /** Why it does not convert; null where it does. */
  readonly refusal: string | null;
  readonly agreement: Agreement | null;
  /** What another's quantisation keeps on the same images; null where there is none. */
  readonly others: Kept | null;
  readonly conversion: ConversionTime | null;
  readonly timing: GraphTiming | null;
}

export interface ArchitectureFiles {
  readonly name: string;
  /** Float ONNX. */
  readonly float: string;
  /** The same, quantised by another's tools; null where there is none, and the bundle's own integers race instead. */
  readonly integer: string | null;
}

export interface ArchitectureOptions {
  readonly normalisation: Normalisation | undefined;
  /** Timed calls of each candidate. */
  readonly iterations: number;
  /** Images of the side that the network reads. */
  readonly imagesFor: (
    side: number,
  ) => Promise<{ readonly calibration: CalibrationSet; readonly judged: JudgedImages }>;
}

/** A refusal is a figure like any other. */
export async function measureArchitecture(
  files: ArchitectureFiles,
  options: ArchitectureOptions,
): Promise<ArchitectureFigures> {
  try {
    const { model, judged, agreement, conversion } = await convertAndJudge(files.float, options);
    return {
      name: files.name,
      refusal: null,
      agreement,
      others: await keptByOthers(files, model, judged, options),
      conversion,
      timing: await timed(files, model, options),
    };
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    const refusal = `${error.code}: ${error.describe()}`;
    return { name: files.name, refusal, agreement: null, others: null, conversion: null, timing: null };
  }
}

async function convertAndJudge(file: string, { normalisation, imagesFor }: ArchitectureOptions) {
  const contents = await readFile(file);
  const started = performance.now();
  const usage = process.cpuUsage();
  const prepared = await prepareModel(contents, file, {
    exactMean: true,
    ...(normalisation && { normalisation }),
  });
  const { calibration, judged } = await imagesFor(prepared.folded.inputShape[0]);
  // It is here to race against; by the own evaluator a dozen networks would take hours.
  const activations = await openActivations(prepared.folded, calibration.images[0], 0, undefined, 0);
  try {
    const model = await convert(prepared, contents, calibration, {
      name: path.parse(file).name,
      version: '1.0.0',
      sourceName: path.basename(file),
      scheme: 'per-channel',
      activations,
      golden: goldenOf,
    });
    const agreement = await measureModelAgreement(prepared.folded, model, judged, activations);
    const { user, system } = process.cpuUsage(usage);
    const conversion = { wall: (performance.now() - started) / 1e3, processor: (user + system) / 1e6 };
    return { model, judged, agreement, conversion };
  } finally {
    await activations.close();
  }
}

/** How much eight bits keep in other hands. */
async function keptByOthers(
  { float, integer }: ArchitectureFiles,
  { graph }: ModelContents,
  { images }: JudgedImages,
  { normalisation }: ArchitectureOptions,
): Promise<Kept | null> {
  if (integer === null) return null;
  const [side] = graph.input.shape;
  const opened = await Promise.all(
    [float, integer].map((file) =>
      openFloatModel(file, side, 1, file, { ...(normalisation && { normalisation }) }),
    ),
  );
  try {
    const noise = new Noise();
    let same = 0;
    for (const image of images) {
      const [wanted, had] = await Promise.all(opened.map((model) => model.run(model.prepare(image, 1))));
      noise.add(wanted, had, { scale: 1, zeroPoint: 0 });
      if (largestIndex(wanted) === largestIndex(had)) same++;
    }
    return { images: images.length, same, decibels: noise.decibels() };
  } finally {
    await Promise.all(opened.map((model) => model.close()));
  }
}

async function timed(
  { name, float, integer }: ArchitectureFiles,
  { graph }: ModelContents,
  { iterations }: ArchitectureOptions,
): Promise<GraphTiming> {
  const [side] = graph.input.shape;
  const peers = [
    onnxruntimePeer(FLOAT_PEER, float, side),
    onnxruntimePeer(INTEGER_PEER, integer ?? (await exportQdq(graph)), side),
  ];
  return timeGraph({ name, graph }, { batch: 1, threads: 1, iterations, warmUp: 3, peers });
}
