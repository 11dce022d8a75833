import { RefusedError } from '../../errors.ts';
import { type Rows, rowsOf } from './rows.ts';

/** What is known of an image without looking at it. */
export interface LabelledImage {
  /** Index of the true class. */
  readonly label: number;
  readonly split: string | null;
}

/**
 * Embeddings of the training split, and of nothing else: the constructor is private and the only way in asks for the
 * embeddings of training images by itself, so that whatever is fitted on a value of this class cannot have seen
 * validation or test.
 */
export class TrainingEmbeddings {
  readonly rows: Rows;
  /** Index of the true class of each row. */
  readonly labels: Uint8Array;
  readonly classCount: number;

  private constructor(rows: Rows, labels: Uint8Array, classCount: number) {
    this.rows = rows;
    this.labels = labels;
    this.classCount = classCount;
  }

  /**
   * @param images all images of a data set, of whatever split
   * @param embed called once, with the training images alone; answers with their embeddings in the same order,
   *   count × width
   * @throws RefusedError `SMOTE_NO_TRAINING` when no image belongs to the training split
   * @throws RangeError when `embed` answers with another number of vectors
   */
  static async collect<Image extends LabelledImage>(
    images: readonly Image[],
    classCount: number,
    embed: (training: readonly Image[]) => Promise<Float32Array>,
  ): Promise<TrainingEmbeddings> {
    const training = images.filter(({ split }) => split === 'train');
    if (training.length === 0) {
      throw new RefusedError(
        'SMOTE_NO_TRAINING',
        'There is no training image to learn the embedding space from',
        {
          expected: 'images of the split “train”',
          received: `${images.length} images of other splits`,
          remedy: 'give a split file that names training images',
        },
      );
    }
    const values = await embed(training);
    const rows = rowsOf(values, values.length / training.length);
    return new TrainingEmbeddings(
      rows,
      Uint8Array.from(training, ({ label }) => label),
      classCount,
    );
  }

  /** Images of each class. */
  counts(): number[] {
    const counts = new Array<number>(this.classCount).fill(0);
    for (const label of this.labels) counts[label]++;
    return counts;
  }

  /** Rows of a class. */
  indicesOf(label: number): Uint32Array {
    return Uint32Array.from(this.labels.keys()).filter((i) => this.labels[i] === label);
  }
}
