import { readFileSync } from 'node:fs';
import path from 'node:path';
import { preloadedObject } from '../preload.ts';

/** What a process must be started with to have all that it writes recorded. @param file absolute path of the record */
export function recording(file: string): Record<string, string> {
  const source = path.join(import.meta.dirname, 'recorder.cpp');
  // Kernel-side writes would pass by the recorder.
  return {
    LD_PRELOAD: preloadedObject('write-recorder', [source]),
    WRITE_RECORD: file,
    UV_USE_IO_URING: '0',
  };
}

/** All that was written, by where it went: the paths of files, `socket:[…]`, `pipe:[…]`. */
export function readRecord(file: string): Map<string, Buffer> {
  const bytes = readFileSync(file);
  const pieces = new Map<string, Buffer[]>();
  for (let at = 0; at < bytes.length; ) {
    const name = bytes.readUInt32LE(at);
    const length = bytes.readUInt32LE(at + 4);
    const start = at + 8 + name;
    const destination = bytes.toString('utf8', at + 8, start);
    const known = pieces.get(destination) ?? [];
    pieces.set(destination, [...known, bytes.subarray(start, start + length)]);
    at = start + length;
  }
  return new Map([...pieces].map(([destination, list]) => [destination, Buffer.concat(list)]));
}
