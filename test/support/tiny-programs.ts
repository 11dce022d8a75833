/** Programs of cards for the tiny model, which no card would take: for tests of what carries them. */
import type { AkidaProgram, AkidaProgramsSection } from '../../src/model/bundle/akida-programs-section.ts';
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import { graphDigest } from '../../src/model/graph-digest.ts';
import { tinyModel } from './tiny-model.ts';

/** Bytes behind their own number, as the vendor's buffers are. */
export function sizePrefixed(bytes: readonly number[]): Uint8Array {
  const whole = new Uint8Array(4 + bytes.length);
  new DataView(whole.buffer).setUint32(0, bytes.length, true);
  whole.set(bytes, 4);
  return whole;
}

export function tinyProgram(change: Partial<AkidaProgram> = {}): AkidaProgram {
  return {
    device: 'akd1000',
    kind: 'whole',
    compiler: '2.19.3',
    deviceVersion: 'BC.00.000.002',
    mode: 'Minimal',
    passes: 1,
    processors: { used: 2, of: 78 },
    info: sizePrefixed([1, 2, 3, 4, 5]),
    data: sizePrefixed(Array.from({ length: 40 }, (_, i) => i)),
    ...change,
  };
}

/** The tiny model with a program of each kind for each device. */
export function programmedModel(change: Partial<AkidaProgramsSection> = {}): ModelContents {
  const tiny = tinyModel();
  const programs = (['akd1000', 'akd1500'] as const).flatMap((device) => [
    tinyProgram({ device }),
    tinyProgram({ device, kind: 'backbone', data: sizePrefixed([7, 7, 7]) }),
  ]);
  return {
    ...tiny,
    manifest: { ...tiny.manifest, akida1: { layers: [], shifts: Int32Array.of(-10, 20) } },
    akidaPrograms: { version: 1, graph: graphDigest(tiny.graph), programs, ...change },
  };
}
