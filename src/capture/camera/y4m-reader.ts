import { SpikescopeError } from '../../errors.ts';
import type { FrameReader, FrameReaderFactory, FrameSink } from './frame-reader.ts';
import { geometryOf } from './geometry.ts';

/** Longest header line that is believed; ffmpeg's and GStreamer's have below 100 bytes. */
const MAXIMUM_LINE = 512;
const NEWLINE = 0x0a;

/**
 * YUV4MPEG2 as ffmpeg and GStreamer write it: a line that says the size, then each frame behind a line `FRAME`. Frames
 * have no padding, and one that lost bytes is noticed at the next line.
 */
export const y4mReader: FrameReaderFactory = (open) => new Y4mReader(open);

class Y4mReader implements FrameReader {
  readonly #open: Parameters<FrameReaderFactory>[0];
  #sink: FrameSink | null = null;
  #line: number[] = [];
  #filled = 0;
  #isInsidePixels = false;

  constructor(open: Parameters<FrameReaderFactory>[0]) {
    this.#open = open;
  }

  get isInsideFrame(): boolean {
    return this.#isInsidePixels || this.#line.length > 0;
  }

  push(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      at += this.#isInsidePixels ? this.#readPixels(bytes.subarray(at)) : this.#readLine(bytes.subarray(at));
    }
  }

  /** Bytes of a frame are missing, so the next line will not stand where it should. */
  abandon(): boolean {
    return false;
  }

  #readPixels(bytes: Uint8Array): number {
    const sink = this.#sink;
    if (sink === null) throw streamFault('pixels before any header');
    const frame = sink.writing;
    const piece = bytes.subarray(0, frame.length - this.#filled);
    frame.set(piece, this.#filled);
    this.#filled += piece.length;
    if (this.#filled === frame.length) {
      this.#filled = 0;
      this.#isInsidePixels = false;
      sink.complete();
    }
    return piece.length;
  }

  #readLine(bytes: Uint8Array): number {
    const end = bytes.indexOf(NEWLINE);
    const piece = end < 0 ? bytes : bytes.subarray(0, end);
    if (this.#line.length + piece.length > MAXIMUM_LINE) throw streamFault('a line without end');
    this.#line.push(...piece);
    if (end < 0) return bytes.length;
    this.#takeLine(Buffer.from(this.#line).toString('latin1'));
    this.#line = [];
    return end + 1;
  }

  #takeLine(line: string): void {
    const [magic, ...fields] = line.split(' ');
    if (this.#sink === null && magic === 'YUV4MPEG2') {
      this.#sink = this.#open(geometryIn(fields));
    } else if (this.#sink !== null && magic === 'FRAME') {
      this.#isInsidePixels = true;
      this.#sink.begin();
    } else {
      throw streamFault(JSON.stringify(line.slice(0, 40)));
    }
  }
}

/** `W640 H480 F30:1 Ip A1:1 C420jpeg`: the letters that matter are W, H and C. */
function geometryIn(fields: readonly string[]) {
  const fieldOf = (letter: string) => fields.find((field) => field.startsWith(letter))?.slice(1) ?? '';
  const colours = fieldOf('C');
  if (!/^$|^420(?:jpeg|mpeg2|paldv)?$/.test(colours)) throw streamFault(`colours ${JSON.stringify(colours)}`);
  const [width, height] = [Number(fieldOf('W')), Number(fieldOf('H'))];
  try {
    return geometryOf(width, height, width);
  } catch (cause) {
    throw streamFault(`frames of ${width}×${height}`, cause);
  }
}

function streamFault(received: string, cause?: unknown): SpikescopeError {
  return new SpikescopeError('CAMERA_STREAM', 'The camera program does not write frames', {
    expected: 'YUV4MPEG2, 4:2:0, 8 bit',
    received,
    cause,
  });
}
