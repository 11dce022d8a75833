import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ArrayWriter, withArrays } from '../../src/model/bundle/arrays.ts';

const anyArray = fc.oneof(
  fc.int8Array(),
  fc.uint8Array(),
  fc.int16Array(),
  fc.int32Array(),
  fc.float32Array({ noNaN: true }),
  fc.float64Array({ noNaN: true }),
);

describe('arrays in a document', () => {
  it('come back as they were, wherever they stood', () => {
    fc.assert(
      fc.property(fc.array(anyArray), fc.jsonValue(), (arrays, beside) => {
        const writer = new ArrayWriter();
        const document = { beside: [beside], arrays: arrays.map((array) => writer.add(array)) };
        const read = withArrays(JSON.parse(JSON.stringify(document)), writer.bytes());
        expect(read).toEqual({ beside: [JSON.parse(JSON.stringify(beside))], arrays });
      }),
    );
  });

  it.each([
    ['ends beyond the data', { type: 'int8', offset: 0, length: 17 }],
    ['starts before the data', { type: 'int8', offset: -8, length: 1 }],
    ['starts between boundaries', { type: 'int8', offset: 4, length: 1 }],
    ['has half an element', { type: 'int8', offset: 0, length: 0.5 }],
    ['is of no known kind', { type: 'constructor', offset: 0, length: 1 }],
    ['has more to say', { type: 'int8', offset: 0, length: 1, file: '/etc/passwd' }],
  ])('stay references where one %s', (_, reference) => {
    expect(withArrays([reference], new Uint8Array(16))).toEqual([reference]);
  });

  it('take no more memory than the data, however often it is referred to', () => {
    const whole = { type: 'uint8', offset: 0, length: 16 };
    const read = withArrays([whole, whole, whole], new Uint8Array(16));
    expect(read).toEqual([new Uint8Array(16), whole, whole]);
  });

  it('are not looked for without end', () => {
    const document: unknown = JSON.parse('['.repeat(100_000) + ']'.repeat(100_000));
    expect(() => withArrays(document, new Uint8Array(0))).not.toThrow();
  });
});
