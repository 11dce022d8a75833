import { readFile } from 'node:fs/promises';
import sharp from 'sharp';
import { PhantomPainter } from '../capture/phantom/draw.ts';
import type { ModelBundle } from '../model/bundle/bundle.ts';
import type { Engine } from '../runtime/engine/contract.ts';
import { createClassifier } from '../runtime/inference/classifier.ts';
import type { Timings } from '../runtime/inference/reading.ts';
import { type Latency, latencyOf } from './race.ts';

const WARM_UP = 10;
/** Different phantoms that take turns. */
const PHANTOMS = 12;
const JPEG_QUALITY = 90;

export interface StageTiming {
  /** Where the images came from. */
  readonly source: string;
  readonly images: number;
  readonly stages: Readonly<Record<keyof Timings, Latency>>;
  /** Everything but the decode. */
  readonly rest: Latency;
  /** Median of everything but the decode, over the median of the decode. */
  readonly restOverDecode: number;
}

/** An image to be read, as the bytes of its file. */
export interface StageImages {
  readonly source: string;
  readonly files: readonly Uint8Array[];
}

/** Reads image files into memory, so that the disk is not timed. */
export async function imagesOf(files: readonly string[], source: string): Promise<StageImages> {
  return { source, files: await Promise.all(files.map((file) => readFile(file))) };
}

/** Phantoms at the size a camera would deliver (600×450), as JPEG. */
export async function phantomImages(): Promise<StageImages> {
  const painter = new PhantomPainter();
  const files: Uint8Array[] = [];
  for (let seed = 0; seed < PHANTOMS; seed++) {
    const { rgb, width, height } = painter.draw(seed).frame;
    files.push(
      await sharp(rgb, { raw: { width, height, channels: 3 } })
        .jpeg({ quality: JPEG_QUALITY })
        .toBuffer(),
    );
  }
  return { source: `${PHANTOMS} phantoms, 600×450 JPEG, quality ${JPEG_QUALITY}`, files };
}

/**
 * Times the stages of classification, one image at a time. Images that the integrity check would send back are read
 * through to the end.
 * @param rounds how often each image is read
 */
export async function timeStages(
  bundle: ModelBundle,
  engine: Engine,
  { source, files }: StageImages,
  rounds: number,
): Promise<StageTiming> {
  const classifier = createClassifier(bundle, engine, { integrityCheck: false });
  for (let i = 0; i < WARM_UP; i++) await classifier.classify(files[i % files.length]);
  const timings: Timings[] = [];
  for (let round = 0; round < rounds; round++) {
    for (const file of files) timings.push((await classifier.classify(file)).reading.timings);
  }
  const stage = (name: keyof Timings) => latencyOf(timings.map((timing) => timing[name]));
  const stages = {
    decode: stage('decode'),
    quality: stage('quality'),
    crop: stage('crop'),
    inference: stage('inference'),
    readout: stage('readout'),
    total: stage('total'),
  };
  const rest = latencyOf(timings.map(({ total, decode }) => total - decode));
  return { source, images: files.length, stages, rest, restOverDecode: rest.median / stages.decode.median };
}
