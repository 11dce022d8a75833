import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { StoredDocument } from '../../src/store/documents.ts';
import { DurableFile } from '../../src/store/durable-file.ts';
import { openIdentity, parseDeviceId } from '../../src/store/identity.ts';

let folder: string;
let file: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'documents-'));
  file = path.join(folder, 'document.json');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const schema = z.strictObject({ name: z.string(), count: z.int() });
const open = () => StoredDocument.open(file, schema, () => ({ name: 'new', count: 0 }));

describe('a stored document', () => {
  it('is written at the first start and read at the next', async () => {
    const first = await open();
    expect(existsSync(file)).toBe(true);
    await first.update((data) => {
      data.count = 7;
    });
    expect((await open()).data).toEqual({ name: 'new', count: 7 });
  });

  it('keeps any text', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary' }), async (name) => {
        const document = await open();
        await document.update((data) => {
          data.name = name;
        });
        expect((await open()).data.name).toBe(name);
      }),
      { numRuns: 20 },
    );
  });

  it.each([
    ['cut off', '{"name": "new", "cou'],
    ['empty', ''],
    ['of another shape', '{"name": "new", "count": "seven"}'],
    ['with a field too many', '{"name": "new", "count": 1, "more": 2}'],
  ])('that is %s is reported and left as it is', async (_, text) => {
    writeFileSync(file, text);
    await expect(open()).rejects.toMatchObject({ code: 'DOCUMENT_DAMAGED', details: { file } });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('names the field that is wrong', async () => {
    writeFileSync(file, '{"name": "new", "count": "seven"}');
    await expect(open()).rejects.toMatchObject({ details: { field: 'count' } });
  });

  it('cannot be a folder, nor lie below a file', async () => {
    const at = (place: string) => StoredDocument.open(place, schema, () => ({ name: '', count: 0 }));
    await expect(at(folder)).rejects.toMatchObject({ code: 'DOCUMENT_UNREADABLE' });
    writeFileSync(file, 'x');
    await expect(at(path.join(file, 'below.json'))).rejects.toMatchObject({ code: 'DOCUMENT_UNREADABLE' });
  });
});

describe('a durable text file', () => {
  it('replaces the file rather than writing into it, and leaves nothing beside it', async () => {
    const text = new DurableFile(file);
    await text.write('one');
    const before = statSync(file).ino;
    await text.write('two');
    expect(statSync(file).ino).not.toBe(before);
    expect(readdirSync(folder)).toEqual(['document.json']);
  });

  it('ends with the last of many writes asked for at once', async () => {
    const text = new DurableFile(file);
    await Promise.all(Array.from({ length: 20 }, (_, i) => text.write(`version ${i}`)));
    expect(await text.read()).toBe('version 19');
  });

  it('goes on after a write that failed', async () => {
    const text = new DurableFile(path.join(file, 'below.json'));
    writeFileSync(file, 'in the way');
    await expect(text.write('one')).rejects.toMatchObject({ code: 'DOCUMENT_UNWRITABLE' });
    rmSync(file);
    await text.write('two');
    expect(await text.read()).toBe('two');
  });
});

describe('the identity of a device', () => {
  it('is made once', async () => {
    const first = (await openIdentity(folder)).data;
    expect(first.device).toMatch(/^scope-[0-9a-f]{8}$/);
    expect((await openIdentity(folder)).data).toEqual(first);
  });

  it('that is damaged is not replaced by another', async () => {
    writeFileSync(
      path.join(folder, 'device.json'),
      '{"schema":1,"device":"a/b","createdAt":"2026-01-01T00:00:00Z"}',
    );
    await expect(openIdentity(folder)).rejects.toMatchObject({
      code: 'DOCUMENT_DAMAGED',
      details: { field: 'device' },
    });
  });

  it.each(['', '/', 'a/b', '+', '#', 'a+', '-a', 'ä', 'a b', 'x'.repeat(65)])('cannot be %j', (text) => {
    expect(() => parseDeviceId(text)).toThrow(expect.objectContaining({ code: 'DEVICE_ID', exitCode: 2 }));
  });
});
