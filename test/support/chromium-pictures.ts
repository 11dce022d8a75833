import { readFileSync } from 'node:fs';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';

/** Of a resource pack, version 5: version, encoding, and after them how many resources there are. */
const COUNT_AT = 8;
const ENTRIES_AT = 12;
const ENTRY_LENGTH = 6;
/** After the sign of a compressed resource comes its length, in six bytes. */
const BROTLI = Buffer.from([0x1e, 0x9b]);
const BROTLI_AT = 8;
const GZIP = Buffer.from([0x1f, 0x8b]);

/** Where Debian's Chromium has what its own pages show. */
const PACK = '/usr/lib/chromium/resources.pak';

/** Says whether a picture is Chromium's own: its pages hold them as addresses (`data:`), its resources as they are. */
export function chromiumPictures(): (picture: Buffer) => boolean {
  const resources = resourcesOf(PACK);
  return (picture) => {
    // To a whole group of three bytes, so that what follows changes nothing.
    const text = picture.subarray(0, picture.length - (picture.length % 3)).toString('base64');
    return resources.some((resource) => resource.includes(picture) || resource.includes(text));
  };
}

function resourcesOf(file: string): Buffer[] {
  const pack = readFileSync(file);
  const startOf = (index: number): number => pack.readUInt32LE(ENTRIES_AT + ENTRY_LENGTH * index + 2);
  return Array.from({ length: pack.readUInt16LE(COUNT_AT) }, (_, index) =>
    expanded(pack.subarray(startOf(index), startOf(index + 1))),
  );
}

function expanded(resource: Buffer): Buffer {
  if (resource.subarray(0, 2).equals(BROTLI)) return brotliDecompressSync(resource.subarray(BROTLI_AT));
  if (resource.subarray(0, 2).equals(GZIP)) return gunzipSync(resource);
  return resource;
}
