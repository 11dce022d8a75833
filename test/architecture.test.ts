import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const source = path.resolve('src');
const deviceSide = ['capture', 'preprocess', 'runtime', 'telehealth', 'store', 'model'];
const workstationSide = ['conversion', 'training', 'evaluation', 'cli'];
/** Packages that a device installs without. */
const workstationPackages = [
  'onnxruntime-node',
  'protobufjs',
  '@observablehq/plot',
  'linkedom',
  '@tensorflow/',
  'ml-matrix',
];

const IMPORT = /(?:\bfrom|\bimport)\s*\(?\s*['"]([^'"]+)['"]/g;

function importsOf(text: string): string[] {
  return [...text.matchAll(IMPORT)].map((match) => match[1]);
}

/** The room (first folder under src/) that a relative import of a file in `room` reaches; null for packages. */
function roomOf(file: string, specifier: string): string | null {
  if (!specifier.startsWith('.')) return null;
  const [room] = path.relative(source, path.resolve(path.dirname(file), specifier)).split(path.sep);
  return room;
}

function violations(file: string, text: string): string[] {
  return importsOf(text)
    .filter((specifier) => {
      const room = roomOf(file, specifier);
      return room === null
        ? workstationPackages.some((name) => specifier.startsWith(name))
        : workstationSide.includes(room);
    })
    .map((specifier) => `${path.relative(source, file)} imports ${specifier}`);
}

function filesOf(room: string): string[] {
  return readdirSync(path.join(source, room), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts'))
    .map((name) => path.join(source, room, name));
}

describe('the device side', () => {
  it.each(deviceSide)('src/%s imports nothing of the workstation side', (room) => {
    const files = filesOf(room);
    expect(files.length).toBeGreaterThan(0);
    expect(files.flatMap((file) => violations(file, readFileSync(file, 'utf8')))).toEqual([]);
  });

  it('would be caught importing it in any form', () => {
    const file = path.join(source, 'runtime/planted.ts');
    expect(violations(file, "import { a } from '../conversion/onnx.ts';")).toHaveLength(1);
    expect(violations(file, "export * from '../evaluation/metrics.ts';")).toHaveLength(1);
    expect(violations(file, "const x = await import('../training/train.ts');")).toHaveLength(1);
    expect(violations(file, "import 'onnxruntime-node';")).toHaveLength(1);
    expect(violations(file, "import type { b } from './engine.ts';\nimport sharp from 'sharp';")).toEqual([]);
  });

  it('keeps the model room free of every other room', () => {
    const foreign = filesOf('model').flatMap((file) =>
      importsOf(readFileSync(file, 'utf8')).filter((specifier) => {
        const room = roomOf(file, specifier);
        return room !== null && !['model', 'errors.ts', 'schema.ts'].includes(room);
      }),
    );
    expect(foreign).toEqual([]);
  });
});
