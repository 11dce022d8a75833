import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DeadlineError, within } from '../../src/preprocess/deadline.ts';
import { MAXIMUM_COMPRESSED_TEXT, MAXIMUM_PAGES, MAXIMUM_PARTS } from '../../src/preprocess/limits.ts';
import { excessOf } from '../../src/preprocess/structure.ts';
import { lesionImage } from '../support/drawn-lesion.ts';
import { sharedValuesTiff, withEmptyChunks, withEmptySegments } from '../support/image-bombs.ts';
import { greyTiff, withPngChunk } from '../support/image-surgery.ts';

const png = await lesionImage().png().toBuffer();
const jpeg = await lesionImage().jpeg().toBuffer();
const webp = await lesionImage().webp().toBuffer();
const tiff = await lesionImage().tiff({ compression: 'lzw' }).toBuffer();

describe('the structure of a file', () => {
  it('is ordinary in what encoders write', () => {
    expect(excessOf(png, 'png')).toBeNull();
    expect(excessOf(jpeg, 'jpeg')).toBeNull();
    expect(excessOf(webp, 'webp')).toBeNull();
    expect(excessOf(tiff, 'tiff')).toBeNull();
  });

  it.each(['zTXt', 'iTXt'])(
    'may hold as much compressed text as the limit says, and no byte more: %s',
    (type) => {
      const prefix = type === 'zTXt' ? 'k\0\0' : 'k\0\x01\0\0\0';
      const text = (length: number) => {
        const data = Buffer.alloc(length, 1);
        data.write(prefix, 0, 'latin1');
        return withPngChunk(png, type, data);
      };
      expect(excessOf(text(MAXIMUM_COMPRESSED_TEXT), 'png')).toBeNull();
      expect(excessOf(text(MAXIMUM_COMPRESSED_TEXT + 1), 'png')).toMatchObject({
        received: expect.stringContaining('65537'),
      });
    },
  );

  it('may hold any amount of text that is not compressed', () => {
    const data = Buffer.alloc(10 * MAXIMUM_COMPRESSED_TEXT, 'a');
    data.write('XML:com.adobe.xmp\0\0\0\0\0', 0, 'latin1');
    expect(excessOf(withPngChunk(png, 'iTXt', data), 'png')).toBeNull();
  });

  it('may have as many parts as the limit says, and no more', () => {
    const chunks = countOfChunks(png);
    expect(excessOf(withEmptyChunks(png, MAXIMUM_PARTS - chunks), 'png')).toBeNull();
    expect(excessOf(withEmptyChunks(png, MAXIMUM_PARTS - chunks + 1), 'png')).not.toBeNull();
    expect(excessOf(withEmptySegments(jpeg, MAXIMUM_PARTS - 50), 'jpeg')).toBeNull();
    expect(excessOf(withEmptySegments(jpeg, MAXIMUM_PARTS + 1), 'jpeg')).not.toBeNull();
  });

  it('may have many pages, which are counted by the decoder, but not without end', () => {
    expect(excessOf(greyTiff(MAXIMUM_PAGES, 1), 'tiff')).toBeNull();
    expect(excessOf(greyTiff(MAXIMUM_PAGES + 1, 1), 'tiff')).toMatchObject({
      expected: expect.stringContaining('pages'),
    });
  });

  it('may not have values that together are much larger than the file', () => {
    expect(excessOf(sharedValuesTiff(1, 30_000), 'tiff')).toBeNull();
    expect(excessOf(sharedValuesTiff(10, 30_000), 'tiff')).not.toBeNull();
  });

  it('is looked through without a fault, whatever the bytes are', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(
          ['png', png] as const,
          ['jpeg', jpeg] as const,
          ['webp', webp] as const,
          ['tiff', tiff] as const,
        ),
        fc.array(fc.tuple(fc.nat(400), fc.nat(255))),
        fc.nat(400),
        ([format, bytes], changes, length) => {
          const changed = Buffer.from(bytes.subarray(0, Math.max(8, length)));
          for (const [at, value] of changes) if (at < changed.length) changed[at] = value;
          expect(() => excessOf(changed, format)).not.toThrow();
        },
      ),
      { numRuns: 2000 },
    );
  });
});

function countOfChunks(file: Buffer): number {
  let count = 0;
  for (let at = 8; at < file.length; at += 12 + file.readUInt32BE(at)) count++;
  return count;
}

describe('a deadline', () => {
  it('passes on what comes in time, and the fault too', async () => {
    expect(await within(60, Promise.resolve(7))).toBe(7);
    await expect(within(60, Promise.reject(new Error('damaged')))).rejects.toThrow('damaged');
  });

  it('frees whoever waits for work that never ends', async () => {
    await expect(within(0.01, new Promise(() => {}))).rejects.toBeInstanceOf(DeadlineError);
  });

  it('drops a fault that comes too late', async () => {
    let fail: (error: Error) => void = () => {};
    const late = new Promise<never>((_, reject) => {
      fail = reject;
    });
    await expect(within(0.01, late)).rejects.toBeInstanceOf(DeadlineError);
    fail(new Error('late'));
    await new Promise((resolve) => setImmediate(resolve));
  });
});
