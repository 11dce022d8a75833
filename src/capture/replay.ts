import { reasonOf, UsageError } from '../errors.ts';
import { listImages } from './images.ts';
import type { Capture, CaptureSource } from './source.ts';
import type { SourceType } from './source-type.ts';

/** `replay:DIR`: a folder of images. */
export const replayType: SourceType = {
  kind: 'replay',
  place: 'DIR',
  open: (folder, options) => ReplaySource.open(folder, options),
};

/** Plays a folder of images as if a camera had taken them now. */
export class ReplaySource implements CaptureSource {
  readonly kind = 'replay';
  readonly #folder: string;
  readonly #images: readonly string[];
  readonly #endless: boolean;

  private constructor(folder: string, images: readonly string[], endless: boolean) {
    this.#folder = folder;
    this.#images = images;
    this.#endless = endless;
  }

  /**
   * @param endless start over after the last image, instead of ending there
   * @throws UsageError `REPLAY_FOLDER` when it cannot be listed, `REPLAY_EMPTY` when it holds no images
   */
  static async open(folder: string, { endless }: { endless: boolean }): Promise<ReplaySource> {
    const { images, unreadable } = await listImages(folder).catch((cause: unknown) => {
      throw new UsageError('REPLAY_FOLDER', 'The folder to replay cannot be read', {
        file: folder,
        expected: 'a folder of images',
        received: reasonOf(cause),
        remedy: 'give --source replay:DIR the path of a readable folder',
        cause,
      });
    });
    if (images.length === 0) {
      throw new UsageError('REPLAY_EMPTY', 'The folder to replay holds no images', {
        file: folder,
        expected: 'JPEG, PNG, WebP, TIFF, GIF or other image files, at any depth',
        received: unreadable.length > 0 ? `unreadable folders: ${unreadable.join(', ')}` : 'none',
        remedy: 'give --source replay:DIR a folder with images',
      });
    }
    return new ReplaySource(folder, images, endless);
  }

  describe(): string {
    return `replay of ${this.#folder} (${this.#images.length} images)`;
  }

  async *frames(signal: AbortSignal): AsyncGenerator<Capture> {
    do {
      for (const image of this.#images) {
        if (signal.aborted) return;
        yield { image, capturedAt: new Date(), origin: image };
      }
    } while (this.#endless);
  }
}
