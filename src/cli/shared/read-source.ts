import { readFile, stat } from 'node:fs/promises';
import { MAXIMUM_MODEL_BYTES } from '../../conversion/onnx/decode.ts';
import { RefusedError, reasonOf } from '../../errors.ts';

/**
 * The bytes of a float model: ONNX or a checkpoint.
 * @param option that named the file
 * @throws RefusedError `ONNX_UNREADABLE`
 */
export async function readSource(file: string, option: `--${string}` = '--from'): Promise<Uint8Array> {
  try {
    // Before opening, because opening a named pipe waits for its writer.
    const status = await stat(file);
    if (!status.isFile()) throw new Error(status.isDirectory() ? 'a folder' : 'not a regular file');
    if (status.size > MAXIMUM_MODEL_BYTES) throw new Error(`${status.size} bytes, more than any model has`);
    return await readFile(file);
  } catch (cause) {
    throw new RefusedError('ONNX_UNREADABLE', 'The float model cannot be read', {
      file,
      received: reasonOf(cause),
      field: option,
      remedy: `give the path of an ONNX file or of a checkpoint with ${option}`,
      cause,
    });
  }
}
