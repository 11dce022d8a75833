/** One image in, one reading out: integrity check, saliency crop, inference, readout, tiling when unsure. */
import { RefusedError } from '../../errors.ts';
import type { Frame, Square } from '../../frame.ts';
import { identityOf, type ModelBundle, type ModelIdentity } from '../../model/bundle/bundle.ts';
import { type ClassTable, classTableOf, riskOf, withBenign } from '../../model/bundle/class-table.ts';
import { embeddingShape, pooled } from '../../model/embedding.ts';
import type { Inference } from '../../model/inference.ts';
import { salientSquare } from '../../preprocess/crop.ts';
import { decodeImage } from '../../preprocess/decode.ts';
import { type Field, fieldOf, inputOf } from '../../preprocess/field.ts';
import { inLight, type LightTables, lightTablesOf } from '../../preprocess/light.ts';
import { measureQuality, retakeReasons } from '../../preprocess/quality.ts';
import { type SaliencyMap, type SaliencyMapper, saliencyMapper } from '../../preprocess/saliency.ts';
import { tilesOf } from '../../preprocess/square.ts';
import type { Engine } from '../engine/contract.ts';
import { type HeadInput, type LearnedHead, RETAKE } from './head.ts';
import { OUT_OF_SCOPE, type Reading, type ReadingReason } from './reading.ts';
import { decide, isUncertain, largestIndex, meanPotentials, softmax } from './readout.ts';
import { type ScopeVerdict, scopeOf } from './scope/scope.ts';
import { imageStatistics } from './scope/statistics.ts';
import { Stopwatch } from './stopwatch.ts';
import { malignancyOf, nameable, triageOf } from './triage.ts';

/** How a classifier reads, where it is not to be as the bundle says. */
export interface ClassifierOptions {
  /** Whether to crop to the salient square. Default: as the bundle says. */
  readonly crop?: boolean;
  /** Whether to read uncertain images again in tiles. Default: as the bundle says. */
  readonly tiling?: boolean;
  /** Whether captures that fail the integrity check or show no lesion are sent back. Default true; false reads all. */
  readonly integrityCheck?: boolean;
  /** The head that reads. Asked for at every reading; null for the factory's. Default: the factory's. */
  readonly head?: () => LearnedHead | null;
}

/** Smallest probability at which an added class may be named: none could be fitted for it. */
const ADDED_THRESHOLD = 0.5;

/** Of a class that may not be named: no probability is as large. */
const UNREACHABLE = 2;

/** What is said of an image, and apart from it what that rests on, so that no reading carries it away. */
export interface Classification {
  readonly reading: Reading;
  /** Null for a retake. */
  readonly headInput: HeadInput | null;
  /** Null where the model cannot tell, or the integrity check sent the capture back before. */
  readonly scope: ScopeVerdict | null;
  /** What the model went by, for who wants to see it; absent for a retake, and where its embedding has no places. */
  readonly salience?: Salience;
}

/** Where in what was read of a frame the model has seen what speaks for a class. */
export interface Salience {
  /** What was read, pixels of the frame. */
  readonly square: Square;
  /** Of a class of the factory head; null for any other. Worked out when asked for. */
  mapOf(name: string): SaliencyMap | null;
}

/** Reads images with one bundle on one engine. */
export interface Classifier {
  readonly model: ModelIdentity;
  /** Whether its readings say what to do. */
  readonly triages: boolean;
  /** Whether a lesion of this class need not be seen to, so that its name reassures. */
  reassures(name: string): boolean;
  /**
   * Reads a frame, or an image given as path or as the bytes of a file. Calls may overlap.
   * @throws RefusedError `IMAGE_*` for what is no acceptable image; a failed integrity check is a reading
   * @throws SpikescopeError as the engine's `infer`
   */
  classify(image: Frame | string | Uint8Array): Promise<Classification>;
}

/**
 * @param engine made of the bundle’s graph; stays the caller’s to close
 * @throws RefusedError `MODEL_INPUT` when the graph does not read a square
 */
export function createClassifier(
  bundle: ModelBundle,
  engine: Engine,
  options: ClassifierOptions = {},
): Classifier {
  const { width, height } = bundle.preprocessing;
  if (width !== height) {
    throw new RefusedError('MODEL_INPUT', 'The model does not read square images', {
      field: 'preprocessing',
      expected: 'equal width and height',
      received: `${width}×${height}`,
    });
  }
  return new BundleClassifier(bundle, engine, options);
}

interface Scene {
  readonly frame: Frame;
  readonly field: Field;
}

interface Pass {
  readonly square: Square;
  /** uint8 RGB, the square in the light in which it was taken. */
  readonly input: Uint8Array;
  /** What brings it into a light that training has seen. */
  readonly light: LightTables | null;
  readonly inference: Inference;
}

class BundleClassifier implements Classifier {
  readonly model: ModelIdentity;
  readonly triages: boolean;
  readonly #bundle: ModelBundle;
  readonly #engine: Engine;
  /** Null where the embedding has no places. */
  readonly #mapper: SaliencyMapper | null;
  readonly #crops: boolean;
  readonly #tiling: boolean;
  readonly #integrityCheck: boolean;
  readonly #channels: number;
  readonly #head: () => LearnedHead | null;
  readonly #table: ClassTable;

  constructor(bundle: ModelBundle, engine: Engine, options: ClassifierOptions) {
    const { preprocessing, readout } = bundle;
    this.model = identityOf(bundle);
    this.triages = bundle.triage !== undefined;
    this.#bundle = bundle;
    this.#engine = engine;
    this.#mapper = saliencyMapper(bundle.graph);
    this.#crops = options.crop ?? preprocessing.crop.enabled;
    this.#tiling = options.tiling ?? readout.tiling.enabled;
    this.#integrityCheck = options.integrityCheck ?? true;
    this.#channels = embeddingShape(bundle.graph)[2];
    this.#head = options.head ?? (() => null);
    this.#table = classTableOf(bundle);
  }

  reassures(name: string): boolean {
    return riskOf(this.#tableWith(this.#head()), name) === 'benign';
  }

  async classify(image: Frame | string | Uint8Array): Promise<Classification> {
    const stopwatch = new Stopwatch();
    const frame = await stopwatch.measureAsync('decode', () => frameOf(image));
    const field = stopwatch.measure('quality', () => fieldOf(frame));
    const quality = stopwatch.measure('quality', () => measureQuality(frame, field));
    const failures = retakeReasons(quality, this.#bundle.preprocessing.quality);
    const base = {
      ...{ quality, model: this.model, backend: this.#engine.backend },
      ...(this.#bundle.assumedClasses && { assumedClasses: true as const }),
    };
    const retake = (reasons: readonly ReadingReason[]): Reading => ({
      ...base,
      accepted: false,
      reasons,
      diagnosis: RETAKE,
      probabilities: {},
      potentials: {},
      tiled: false,
      crop: null,
      ...(this.#bundle.triage && { triage: null, malignancy: null }),
      timings: stopwatch.timings(),
    });
    if (this.#integrityCheck && failures.length > 0) {
      return { reading: retake(failures), headInput: null, scope: null };
    }
    const scene = { frame, field };
    const pass = await this.#look(scene, stopwatch);
    const scope = stopwatch.measure('readout', () => this.#scope(pass));
    if (this.#integrityCheck && scope?.isOutOfScope) {
      return { reading: retake([OUT_OF_SCOPE]), headInput: null, scope };
    }
    const { square, inference } = pass;
    const answer = await this.#answer(scene, pass, scope, stopwatch);
    const reading: Reading = {
      ...base,
      ...{ accepted: true, reasons: [], crop: square },
      ...answer,
      timings: stopwatch.timings(),
    };
    const { potentials, embeddings } = inference;
    const headInput = { potentials, pooled: pooled(embeddings, this.#channels) };
    const salience = this.#salience(square, embeddings);
    return { reading, headInput, scope, ...(salience !== null && { salience }) };
  }

  #salience(square: Square, embedding: Uint8Array): Salience | null {
    const mapper = this.#mapper;
    if (mapper === null) return null;
    const { classes } = this.#bundle.graph;
    return {
      square,
      mapOf: (name) => (classes.includes(name) ? mapper(embedding, classes.indexOf(name)) : null),
    };
  }

  /** The pass that counts: on the field's square, or on the square to which its saliency points. */
  async #look(scene: Scene, stopwatch: Stopwatch): Promise<Pass> {
    const whole = scene.field.square;
    const input = stopwatch.measure('crop', () => this.#inputs(scene, [whole]));
    const light = stopwatch.measure('crop', () => lightTablesOf(this.#bundle.light, input));
    const first = { square: whole, input, light, inference: await this.#infer(input, light, stopwatch) };
    const mapper = this.#mapper;
    if (mapper === null || !this.#crops) return first;
    const square = stopwatch.measure('crop', () => {
      const { embeddings, potentials } = first.inference;
      const map = mapper(embeddings, largestIndex(potentials));
      return salientSquare(map, scene.field, this.#bundle.preprocessing.crop);
    });
    const isWhole = square.x === whole.x && square.y === whole.y && square.side === whole.side;
    if (isWhole) return first;
    const cropped = stopwatch.measure('crop', () => this.#inputs(scene, [square]));
    return { square, input: cropped, light, inference: await this.#infer(cropped, light, stopwatch) };
  }

  /** uint8 RGB, one square after the other. */
  #inputs({ frame, field }: Scene, squares: readonly Square[]): Uint8Array {
    const { width: side } = this.#bundle.preprocessing;
    const size = side * side * 3;
    const batch = new Uint8Array(size * squares.length);
    squares.forEach((square, i) => {
      batch.set(inputOf(frame, field, square, side), i * size);
    });
    return batch;
  }

  #infer(inputs: Uint8Array, light: LightTables | null, stopwatch: Stopwatch): Promise<Inference> {
    const { width: side } = this.#bundle.preprocessing;
    const balanced = stopwatch.measure('crop', () => inLight(light, inputs));
    const infer = () => this.#engine.infer(balanced, inputs.length / (side * side * 3));
    return stopwatch.measureAsync('inference', infer);
  }

  /**
   * Of the whole square, also where tiles are read after it; its statistics in the light in which it was taken, which tells
   * a wall from skin. Null where the bundle cannot tell.
   */
  #scope({ input, inference }: Pass): ScopeVerdict | null {
    const { scope, preprocessing } = this.#bundle;
    if (scope === undefined) return null;
    return scopeOf(scope, {
      statistics: imageStatistics(input, preprocessing.width),
      pooled: pooled(inference.embeddings, this.#channels),
    });
  }

  async #answer(
    scene: Scene,
    { square, light, inference: whole }: Pass,
    scope: ScopeVerdict | null,
    stopwatch: Stopwatch,
  ) {
    const { graph, readout } = this.#bundle;
    const { tiling } = readout;
    const alpha = readout.alpha / (scope?.temperature ?? 1);
    // One head for the whole reading, also when an update comes in the middle of it.
    const head = this.#head();
    const classes = head?.classes ?? graph.classes;
    let potentials = stopwatch.measure('readout', () => this.#read(head, whole));
    let probabilities = softmax(alpha, potentials);
    const tiled = this.#tiling && isUncertain(probabilities, tiling);
    if (tiled) {
      const inputs = stopwatch.measure('crop', () => this.#inputs(scene, tilesOf(square, tiling.overlap)));
      const tiles = await this.#infer(inputs, light, stopwatch);
      potentials = meanPotentials(this.#read(head, tiles), classes.length);
      probabilities = softmax(alpha, potentials);
    }
    const table = this.#tableWith(head);
    const judged = this.#triage(classes, probabilities, table, !scope?.isUnfamiliar);
    const mayBeNamed = judged === null ? null : nameable(classes, judged.triage, table);
    const thresholds = classes.map((_, c) =>
      (mayBeNamed?.[c] ?? true) ? (readout.thresholds[c] ?? ADDED_THRESHOLD) : UNREACHABLE,
    );
    return {
      diagnosis: decide(classes, probabilities, thresholds),
      ...judged,
      ...(scope !== null && { unfamiliar: scope.isUnfamiliar }),
      probabilities: byClass(classes, probabilities),
      potentials: byClass(classes, potentials),
      tiled,
      ...(head !== null && { head: head.digest }),
    };
  }

  /** The bundle's, with the classes that were added. */
  #tableWith(head: LearnedHead | null): ClassTable {
    return withBenign(this.#table, head?.benign ?? []);
  }

  /** Null where the bundle does not triage. */
  #triage(
    classes: readonly string[],
    probabilities: readonly number[],
    table: ClassTable,
    isFamiliar: boolean,
  ) {
    const { triage: rule, graph } = this.#bundle;
    if (rule === undefined) return null;
    const context = { factoryClasses: graph.classes, table };
    const malignancy = malignancyOf(rule, classes, probabilities, context);
    return { triage: triageOf(rule, malignancy, isFamiliar), malignancy };
  }

  /** The head's potentials of each image: int32, images × classes. */
  #read(head: LearnedHead | null, { potentials, embeddings }: Inference): Int32Array {
    if (head === null) return potentials;
    const factoryClasses = this.#bundle.graph.classes.length;
    const images = potentials.length / factoryClasses;
    const size = embeddings.length / images;
    const read = new Int32Array(images * head.classes.length);
    for (let i = 0; i < images; i++) {
      const factory = potentials.subarray(i * factoryClasses, (i + 1) * factoryClasses);
      const sums = pooled(embeddings.subarray(i * size, (i + 1) * size), this.#channels);
      read.set(head.potentials(factory, sums), i * head.classes.length);
    }
    return read;
  }
}

async function frameOf(image: Frame | string | Uint8Array): Promise<Frame> {
  return typeof image === 'string' || image instanceof Uint8Array ? decodeImage(image) : image;
}

function byClass(classes: readonly string[], values: ArrayLike<number>): Record<string, number> {
  return Object.fromEntries(classes.map((name, c) => [name, values[c]]));
}
