/** Bitmaps as PH2 has them, made here byte by byte; AVIF; and what a refused format is told to become. */
import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import { decodeImage } from '../../src/preprocess/decode.ts';
import { sniffFormat } from '../../src/preprocess/format.ts';
import { lesionImage } from '../support/drawn-lesion.ts';

interface Kind {
  readonly bits?: number;
  readonly isTopDown?: boolean;
  readonly width?: number;
  readonly height?: number;
}

const colourAt = (x: number, y: number) => [(40 * x) % 256, (60 * y) % 256, (x * y) % 256] as const;

/** `bits` of 8 have a palette of greys. */
function bitmap({ bits = 24, isTopDown = false, width = 5, height = 3 }: Kind): Buffer {
  const palette = bits === 8 ? 256 * 4 : 0;
  const stride = Math.ceil((width * bits) / 32) * 4;
  const start = 54 + palette;
  const file = Buffer.alloc(start + stride * height);
  file.write('BM');
  file.writeUInt32LE(file.length, 2);
  file.writeUInt32LE(start, 10);
  file.writeUInt32LE(40, 14);
  file.writeInt32LE(width, 18);
  file.writeInt32LE(isTopDown ? -height : height, 22);
  file.writeUInt16LE(1, 26);
  file.writeUInt16LE(bits, 28);
  for (let grey = 0; grey < palette / 4; grey++) file.fill(grey, 54 + 4 * grey, 54 + 4 * grey + 3);
  for (let y = 0; y < height; y++) {
    const row = start + (isTopDown ? y : height - 1 - y) * stride;
    for (let x = 0; x < width; x++) {
      const [red, green, blue] = colourAt(x, y);
      if (bits === 8) file[row + x] = red;
      else file.set([blue, green, red], row + (x * bits) / 8);
    }
  }
  return file;
}

async function codeOf(bytes: Uint8Array): Promise<string> {
  const fault = await decodeImage(bytes).then(
    () => null,
    (error: unknown) => error,
  );
  return fault instanceof RefusedError ? fault.code : String(fault);
}

describe('a bitmap', () => {
  it.each([{}, { bits: 32 }, { bits: 8 }, { isTopDown: true }, { width: 8, height: 1 }])(
    'is read pixel by pixel: %o',
    async (kind) => {
      const { width = 5, height = 3, bits } = kind as Kind;
      const frame = await decodeImage(bitmap(kind));
      const expected = Array.from({ length: width * height }, (_, i) => {
        const [red, green, blue] = colourAt(i % width, Math.floor(i / width));
        return bits === 8 ? [red, red, red] : [red, green, blue];
      });
      expect([frame.width, frame.height]).toEqual([width, height]);
      expect(Array.from(frame.rgb)).toEqual(expected.flat());
    },
  );

  it('that is cut short anywhere, compressed, or larger than the file is refused before memory is taken', async () => {
    const whole = bitmap({});
    for (let length = 10; length < whole.length; length++) {
      expect(await codeOf(whole.subarray(0, length))).toBe('IMAGE_DAMAGED');
    }
    const compressed = bitmap({ bits: 8 });
    compressed.writeUInt32LE(1, 30);
    const vast = bitmap({});
    vast.writeInt32LE(16_000, 18);
    vast.writeInt32LE(16_000, 22);
    const wrongColour = bitmap({ bits: 8 });
    wrongColour.writeUInt32LE(2, 46);
    expect(await codeOf(compressed)).toBe('IMAGE_DAMAGED');
    expect(await codeOf(vast)).toBe('IMAGE_TOO_LARGE');
    expect(await codeOf(wrongColour)).toBe('IMAGE_DAMAGED');
  });
});

it('an AVIF is read', async () => {
  const frame = await decodeImage(await lesionImage(64, 64).avif({ effort: 0 }).toBuffer());
  expect([frame.width, frame.height]).toEqual([64, 64]);
});

it('a format that is not read says what to convert it with', async () => {
  const heic = Buffer.concat([Buffer.from([0, 0, 0, 24]), Buffer.from('ftypheic'), Buffer.alloc(16)]);
  const dicom = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM'), Buffer.alloc(16)]);
  expect(sniffFormat(heic)).toMatchObject({ description: 'a HEIC image' });
  for (const [bytes, tool] of [
    [heic, 'heif-convert'],
    [dicom, 'dcmj2pnm'],
  ] as const) {
    await expect(decodeImage(bytes)).rejects.toMatchObject({
      code: 'IMAGE_FORMAT',
      details: { remedy: expect.stringContaining(tool) },
    });
  }
});
