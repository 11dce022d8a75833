import type { CaptureImage } from '../../../../capture/source.ts';
import type { Frame } from '../../../../frame.ts';
import { POINTS, smooth } from '../../../../preprocess/crop.ts';
import { decodeImage } from '../../../../preprocess/decode.ts';
import { type Field, fieldOf } from '../../../../preprocess/field.ts';
import { reduced, reductionOf } from '../../../../preprocess/reduced.ts';
import type { Classification, Salience } from '../../../../runtime/inference/classifier.ts';
import type { SaliencyOverlay } from '../../contract.ts';
import { FRAME_HEADERS } from '../../words.ts';
import { fieldHeader, shown } from './cues.ts';
import { jpegOf } from './jpeg.ts';
import { LONGEST, type ShownFrame } from './viewfinder.ts';

interface Still {
  /** Of the frame as it was captured, pixels. */
  readonly width: number;
  readonly height: number;
  readonly takenAt: Date;
  readonly field: Field;
  /** Encoded once, when somebody asks for it. */
  readonly jpeg: () => Promise<Buffer>;
}

/** The frame of the last capture and what the model went by in it: one, in memory, until the next or until forgotten. */
export class FrozenFrame {
  #still: Promise<Still | null> = Promise.resolve(null);
  #result: string | null = null;
  #salience: Salience | null = null;
  #code: string | null = null;
  /** Told apart from those of captures before, which may still be on their way. */
  #capture = 0;

  /** Of which result it is; null where there is none. */
  get result(): string | null {
    return this.#result;
  }

  get hasSaliency(): boolean {
    return this.#salience !== null;
  }

  /** A capture is being read: its pixels are taken at the next turn of the event loop, and stay until then. */
  freeze(image: CaptureImage, takenAt: Date): void {
    this.forget();
    const capture = this.#capture;
    this.#still = new Promise((resolve) => setImmediate(resolve)).then(async () => {
      if (capture !== this.#capture) return null;
      return stillOf(image, takenAt).catch(() => null);
    });
  }

  /** @param code the class whose places are shown */
  classified(result: string, { reading, salience }: Classification): void {
    this.#result = result;
    this.#salience = salience ?? null;
    this.#code = Object.entries(reading.probabilities).reduce<[string | null, number]>(
      (best, [name, probability]) => (probability > best[1] ? [name, probability] : best),
      [null, -1],
    )[0];
  }

  /** A capture of which nothing could be read has a result all the same. */
  recorded(result: string): void {
    this.#result ??= result;
  }

  forget(): void {
    this.#capture++;
    this.#still = Promise.resolve(null);
    this.#result = null;
    this.#salience = null;
    this.#code = null;
  }

  async frame(): Promise<ShownFrame | null> {
    const [result, salience] = [this.#result, this.#salience];
    const still = await this.#still;
    if (still === null || result === null) return null;
    const { jpeg, width, height, field, takenAt } = still;
    return {
      jpeg: await jpeg(),
      headers: {
        'content-type': 'image/jpeg',
        [FRAME_HEADERS.result]: result,
        [FRAME_HEADERS.time]: takenAt.toISOString(),
        [FRAME_HEADERS.field]: fieldHeader(field, { width, height }),
        [FRAME_HEADERS.square]: squareHeader(salience, { width, height }),
      },
    };
  }

  async overlay(): Promise<SaliencyOverlay | null> {
    const [result, salience, code] = [this.#result, this.#salience, this.#code];
    const still = await this.#still;
    if (still === null || result === null || code === null) return null;
    const map = salience?.mapOf(code) ?? null;
    if (salience === null || map === null) return null;
    const surface = smooth(map);
    const most = surface.reduce((largest, value) => Math.max(largest, value), 0);
    if (most === 0) return null;
    return {
      ...{ result, code, width: still.width, height: still.height, square: salience.square },
      ...{ rows: POINTS, columns: POINTS },
      values: Array.from(surface, (value) => Math.round((1000 * value) / most) / 1000),
    };
  }
}

async function stillOf(image: CaptureImage, takenAt: Date): Promise<Still> {
  const frame: Frame =
    typeof image === 'string' || image instanceof Uint8Array ? await decodeImage(image) : image;
  const { width, height } = frame;
  // Before anything is waited for: a camera's pixels are its own again soon.
  const field = fieldOf(frame);
  const view = reduced(frame, reductionOf(frame, LONGEST));
  let encoded: Promise<Buffer> | null = null;
  const jpeg = (): Promise<Buffer> => {
    encoded ??= jpegOf(view);
    return encoded;
  };
  return { width, height, takenAt, field, jpeg };
}

function squareHeader(salience: Salience | null, { width, height }: Pick<Frame, 'width' | 'height'>): string {
  if (salience === null) return 'none';
  const { x, y, side } = salience.square;
  return [x / width, y / height, side / width, side / height].map(shown).join(',');
}
