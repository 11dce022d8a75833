/** What the device measures of frames, for many of them. */
import { mapConcurrently } from '../../concurrently.ts';
import type { Sample } from '../../dataset/dataset.ts';
import type { Frame } from '../../frame.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { embeddingShape, pooled } from '../../model/embedding.ts';
import { decodeImage } from '../../preprocess/decode.ts';
import { fieldOf, inputOf } from '../../preprocess/field.ts';
import { inLight, lightTablesOf } from '../../preprocess/light.ts';
import { measureQuality, retakeReasons } from '../../preprocess/quality.ts';
import { seededRandom } from '../../random.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import type { ScopeFeatures } from '../../runtime/inference/scope/scope.ts';
import { imageStatistics } from '../../runtime/inference/scope/statistics.ts';
import { unreadable } from '../read-split.ts';
import { asAnotherCamera } from './camera.ts';
import { NOTHING_KINDS, type NothingKind, NothingPainter } from './nothing/kinds.ts';

/** A frame as it is, and as another camera would have taken it. */
export interface Measured {
  readonly plain: ScopeFeatures;
  readonly other: ScopeFeatures;
}

export interface MeasuredNothing extends Measured {
  readonly kind: NothingKind;
  /** Whether the quality check alone sends it back. */
  readonly isSentBack: boolean;
}

/** Measures frames in their centred squares. */
export class FeatureReader {
  readonly #engine: Engine;
  readonly #bundle: ModelBundle;

  constructor(bundle: ModelBundle, engine: Engine) {
    this.#bundle = bundle;
    this.#engine = engine;
  }

  /** Files that do not decode are left out. */
  async readSamples(samples: readonly Sample[], seed: number, onImage?: () => void): Promise<Measured[]> {
    const read = await mapConcurrently(samples, async (sample, index) => {
      try {
        return await this.#measure(await decodeImage(sample.file), seed + index);
      } catch (error) {
        unreadable(sample, error);
        return null;
      } finally {
        onImage?.();
      }
    });
    return read.filter((measured) => measured !== null);
  }

  /** `count` frames of every kind. The same seed draws the same ones. */
  async readNothing(count: number, seed: number, onFrame?: () => void): Promise<MeasuredNothing[]> {
    const painter = new NothingPainter();
    const measured: MeasuredNothing[] = [];
    for (const kind of NOTHING_KINDS) {
      for (let index = 0; index < count; index++) {
        const frame = painter.draw(kind, seed, index);
        const reasons = retakeReasons(measureQuality(frame), this.#bundle.preprocessing.quality);
        measured.push({
          kind,
          isSentBack: reasons.length > 0,
          ...(await this.#measure(frame, seed + measured.length)),
        });
        onFrame?.();
      }
    }
    return measured;
  }

  async #measure(frame: Frame, seed: number): Promise<Measured> {
    const { width: side } = this.#bundle.preprocessing;
    const field = fieldOf(frame);
    const inputs = [
      inputOf(frame, field, field.square, side),
      asAnotherCamera(frame, side, seededRandom(seed)),
    ];
    const { light } = this.#bundle;
    const read = inputs.map((input) => inLight(lightTablesOf(light, input), input));
    const { embeddings } = await this.#engine.infer(Buffer.concat(read), 2);
    const channels = embeddingShape(this.#bundle.graph)[2];
    const [plain, other] = inputs.map((input, i) => ({
      statistics: imageStatistics(input, side),
      pooled: pooled(
        embeddings.subarray((i * embeddings.length) / 2, ((i + 1) * embeddings.length) / 2),
        channels,
      ),
    }));
    return { plain, other };
  }
}
