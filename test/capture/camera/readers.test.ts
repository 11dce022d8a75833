import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { FrameReaderFactory } from '../../../src/capture/camera/frame-reader.ts';
import { type FrameGeometry, frameBytes, geometryOf } from '../../../src/capture/camera/geometry.ts';
import { rawReader } from '../../../src/capture/camera/raw-reader.ts';
import { y4mReader } from '../../../src/capture/camera/y4m-reader.ts';
import { Random } from '../../support/random.ts';

/** Reads pieces with a reader and keeps every frame. */
function readAll(factory: FrameReaderFactory, pieces: readonly Uint8Array[]) {
  const frames: Uint8Array[] = [];
  let geometry: FrameGeometry | null = null;
  let begun = 0;
  const reader = factory((opened) => {
    geometry = opened;
    const writing = new Uint8Array(frameBytes(opened));
    return { writing, begin: () => void begun++, complete: () => frames.push(writing.slice()) };
  });
  for (const piece of pieces) reader.push(piece);
  return { frames, begun, reader, geometry: geometry as FrameGeometry | null };
}

/** Cuts bytes at random places. */
function cut(bytes: Uint8Array, random: Random): Uint8Array[] {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; ) {
    const end = Math.min(bytes.length, at + random.integer(1, 40));
    pieces.push(bytes.subarray(at, end));
    at = end;
  }
  return pieces;
}

const geometries = fc
  .tuple(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), fc.integer({ min: 0, max: 5 }))
  .map(([w, h, padding]) => geometryOf(2 * w, 2 * h, 2 * (w + padding)));

describe('a reader of camera frames', () => {
  it('gives the same frames wherever the stream is cut', () => {
    fc.assert(
      fc.property(geometries, fc.integer({ min: 0, max: 4 }), fc.nat(), (geometry, count, seed) => {
        const random = new Random(seed);
        const frames = Array.from({ length: count }, () => random.bytes(frameBytes(geometry)));
        const { reader, ...read } = readAll(rawReader(geometry), cut(Buffer.concat(frames), random));
        expect(read.frames).toEqual(frames.map((frame) => new Uint8Array(frame)));
        expect(read.begun).toBe(count);
        expect(reader.isInsideFrame).toBe(false);
      }),
    );
  });

  it('gives the frames of YUV4MPEG2 wherever the stream is cut, and their size', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 8 }),
        fc.nat(),
        (halfWidth, halfHeight, seed) => {
          const geometry = geometryOf(2 * halfWidth, 2 * halfHeight, 2 * halfWidth);
          const random = new Random(seed);
          const frames = [1, 2, 3].map(() => random.bytes(frameBytes(geometry)));
          const header = `YUV4MPEG2 W${geometry.width} H${geometry.height} F30:1 Ip A1:1 C420jpeg XCOLORRANGE=FULL\n`;
          const stream = [header, ...frames.flatMap((frame) => ['FRAME\n', frame])].map((part) =>
            Buffer.from(part as Uint8Array),
          );
          const read = readAll(y4mReader, cut(Buffer.concat(stream), random));
          expect(read.frames).toEqual(frames.map((frame) => new Uint8Array(frame)));
          expect(read.begun).toBe(frames.length);
          expect(read.geometry).toEqual(geometry);
        },
      ),
    );
  });

  it.each([
    ['words', 'this is no video\n'],
    ['a line without end', 'x'.repeat(600)],
    ['4:2:2', 'YUV4MPEG2 W4 H4 F1:1 C422\n'],
    ['ten bits', 'YUV4MPEG2 W4 H4 F1:1 C420p10\n'],
    ['odd sides', 'YUV4MPEG2 W5 H4 F1:1 C420jpeg\n'],
    ['no size', 'YUV4MPEG2 F1:1 C420jpeg\n'],
    ['a giant', 'YUV4MPEG2 W400000 H400000 C420jpeg\n'],
    ['a frame that is too short', `YUV4MPEG2 W4 H4\nFRAME\n${'y'.repeat(20)}FRAME\n${'y'.repeat(24)}`],
    ['pixels without a line', `YUV4MPEG2 W4 H4\n${'y'.repeat(24)}\n`],
  ])('refuses %s for YUV4MPEG2', (_, stream) => {
    expect(() => readAll(y4mReader, [Buffer.from(stream, 'latin1')])).toThrow(
      expect.objectContaining({ code: 'CAMERA_STREAM' }),
    );
  });
});

describe('the geometry of a camera', () => {
  it('pads rows as libcamera does, unless told otherwise', () => {
    expect(geometryOf(780, 360).stride).toBe(832);
    expect(geometryOf(1280, 960).stride).toBe(1280);
    expect(geometryOf(780, 360, 780).stride).toBe(780);
  });

  it.each([
    [0, 4, 4],
    [5, 4, 6],
    [4, 5, 4],
    [4, 4, 2],
    [4, 4, 5],
    [10_000, 4, 10_000],
    [Number.NaN, 4, 4],
  ])('refuses %i × %i with stride %i', (width, height, stride) => {
    expect(() => geometryOf(width, height, stride)).toThrow(expect.objectContaining({ code: 'CAMERA_SIZE' }));
  });
});
