/** What teachers said of an epoch's views, kept on disk: the next epoch that shows the same views need not ask again. */
import { createHash } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { reasonOf, SpikescopeError } from '../../errors.ts';
import { replaceFile } from '../../model/bundle/replace-file.ts';

const DIGEST_BYTES = 32;

export interface Lesson {
  /** Stands for the teacher's weights, 64 hexadecimal digits. */
  readonly teacher: string;
  /** Stands for what the views show (`TrainingData.digest`). */
  readonly views: string;
  /** From 0. */
  readonly epoch: number;
}

export class AnswerMemory {
  readonly #folder: string;

  /** @param folder made at the first answer */
  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Null where there are none, or damaged ones. */
  async recall(lesson: Lesson): Promise<Float32Array | null> {
    const bytes = await readFile(this.#fileOf(lesson)).catch(() => null);
    if (bytes === null || bytes.length <= DIGEST_BYTES || bytes.length % 4 !== 0) return null;
    const numbers = new Uint8Array(bytes.subarray(DIGEST_BYTES));
    if (!digestOf(numbers).equals(bytes.subarray(0, DIGEST_BYTES))) return null;
    return new Float32Array(numbers.buffer);
  }

  /** @throws SpikescopeError `TEACHING_UNWRITABLE` */
  async keep(lesson: Lesson, answers: Float32Array): Promise<void> {
    const file = this.#fileOf(lesson);
    const numbers = new Uint8Array(answers.buffer, answers.byteOffset, answers.byteLength);
    try {
      await mkdir(path.dirname(file), { recursive: true });
      await replaceFile(file, Buffer.concat([digestOf(numbers), numbers]));
    } catch (cause) {
      throw new SpikescopeError('TEACHING_UNWRITABLE', 'The teachers’ answers cannot be kept', {
        file,
        received: reasonOf(cause),
        remedy: 'give a folder that you may write to, with space left, to --cache',
        cause,
      });
    }
  }

  #fileOf({ teacher, views, epoch }: Lesson): string {
    const name = digestOf(Buffer.from(`${teacher} ${views}`)).toString('hex', 0, 12);
    return path.join(this.#folder, name, `epoch-${epoch}.logits`);
  }
}

function digestOf(bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest();
}
