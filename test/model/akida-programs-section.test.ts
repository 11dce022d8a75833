import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import { akidaProgramOf } from '../../src/model/bundle/akida-programs-section.ts';
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import {
  CARD_FORMAT,
  FORMAT_VERSION,
  packContainer,
  TRIAGE_FORMAT,
} from '../../src/model/bundle/container.ts';
import { documentOf } from '../../src/model/bundle/document.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { graphDigest } from '../../src/model/graph-digest.ts';
import { tinyGraph, tinyModel } from '../support/tiny-model.ts';
import { programmedModel, sizePrefixed, tinyProgram } from '../support/tiny-programs.ts';
import { wholeBundle } from '../support/whole-bundle.ts';

const formatIn = (bytes: Uint8Array) => Buffer.from(bytes).readUInt32LE(8);

function refusalOf(bytes: Uint8Array): RefusedError {
  try {
    wholeBundle(bytes, 'model');
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

/** Its digest right, whatever is in it. */
function sealed(contents: ModelContents, format = FORMAT_VERSION): Uint8Array {
  const { document, data } = documentOf(contents);
  return packContainer(document, data, undefined, format);
}

describe('a bundle with programs of cards', () => {
  const contents = programmedModel();
  const bytes = bundleBytes(contents);

  it('reads back as it was written, with the same bytes whatever the order of programs and members', () => {
    const { digest: _, ...read } = wholeBundle(bytes, 'model');
    expect(read).toEqual(contents);
    const { version, graph, programs } = contents.akidaPrograms ?? { programs: [] };
    const turned = programs
      .map((program) => Object.fromEntries(Object.entries(program).reverse()) as typeof program)
      .reverse();
    const section = { programs: turned, graph, version } as typeof contents.akidaPrograms;
    expect(Buffer.from(bundleBytes({ ...contents, akidaPrograms: section })).equals(bytes)).toBe(true);
  });

  it('has each by device and kind, and says where it has none', () => {
    const bundle = wholeBundle(bytes, 'model');
    expect(akidaProgramOf(bundle, 'akd1500', 'backbone')?.data).toEqual(sizePrefixed([7, 7, 7]));
    expect(akidaProgramOf(bundle, 'akd1000', 'whole')).toEqual(tinyProgram());
    const one = { akidaPrograms: { version: 1, graph: '', programs: [tinyProgram()] } } as const;
    expect(akidaProgramOf(one, 'akd1000', 'backbone')).toBeNull();
    expect(akidaProgramOf(tinyModel(), 'akd1000', 'whole')).toBeNull();
  });

  it('covers every byte of them by its digest', () => {
    const at = Buffer.from(bytes).indexOf(Buffer.from(sizePrefixed([7, 7, 7])));
    const damaged = Uint8Array.from(bytes);
    damaged[at + 5] ^= 1;
    expect(refusalOf(damaged).code).toBe('BUNDLE_DIGEST');
  });

  it('is of a format of its own, which one without them is not', () => {
    expect(formatIn(bytes)).toBe(CARD_FORMAT);
    expect(formatIn(bundleBytes({ ...contents, akidaPrograms: undefined }))).toBe(TRIAGE_FORMAT);
  });

  it('is refused when it says that it is of a format without them', () => {
    expect(refusalOf(sealed(contents, TRIAGE_FORMAT))).toMatchObject({
      code: 'BUNDLE_SCHEMA',
      details: { field: 'akidaPrograms' },
    });
  });
});

describe('a section of programs that means harm is refused', () => {
  const only = (change: Parameters<typeof tinyProgram>[0]) => ({ programs: [tinyProgram(change)] });
  const empty = new Uint8Array(0);
  // biome-ignore lint/suspicious/noExplicitAny: a forger writes what no type allows
  const forgeries: [string, string, any][] = [
    ['a later version', 'BUNDLE_SCHEMA', { version: 2 }],
    ['no program', 'BUNDLE_SCHEMA', { programs: [] }],
    ['more programs than there are kinds', 'BUNDLE_SCHEMA', { programs: new Array(5).fill(tinyProgram()) }],
    ['no digest of its graph', 'BUNDLE_SCHEMA', { graph: 'none' }],
    ['an unknown device', 'BUNDLE_SCHEMA', only({ device: 'akd2000' as 'akd1000' })],
    ['an unknown kind', 'BUNDLE_SCHEMA', only({ kind: 'half' as 'whole' })],
    ['a version that rings the bell', 'BUNDLE_SCHEMA', only({ compiler: '2.19\u0007' })],
    ['a version of two lines', 'BUNDLE_SCHEMA', only({ deviceVersion: 'BC\n00' })],
    ['no passes', 'BUNDLE_SCHEMA', only({ passes: 0 })],
    ['half a pass', 'BUNDLE_SCHEMA', only({ passes: 1.5 })],
    ['no processors', 'BUNDLE_SCHEMA', only({ processors: { used: 0, of: 78 } })],
    ['bytes of another kind', 'BUNDLE_SCHEMA', only({ data: new Int32Array(4) as unknown as Uint8Array })],
    ['more processors than there are', 'BUNDLE_INCONSISTENT', only({ processors: { used: 79, of: 78 } })],
    ['the same program twice', 'BUNDLE_INCONSISTENT', { programs: [tinyProgram(), tinyProgram()] }],
    ['a head of no bytes', 'BUNDLE_INCONSISTENT', only({ info: empty })],
    ['no data', 'BUNDLE_INCONSISTENT', only({ data: empty })],
    ['a prefix and nothing behind it', 'BUNDLE_INCONSISTENT', only({ data: new Uint8Array(4) })],
    ['less than its prefix says', 'BUNDLE_INCONSISTENT', only({ info: Uint8Array.of(6, 0, 0, 0, 1) })],
    ['more than its prefix says', 'BUNDLE_INCONSISTENT', only({ info: Uint8Array.of(1, 0, 0, 0, 1, 2) })],
    [
      'a head as large as a program',
      'BUNDLE_INCONSISTENT',
      only({ info: sizePrefixed(new Array(2 ** 20).fill(0)) }),
    ],
  ];
  it.each(forgeries)('with %s', (_, code, change) => {
    const refusal = refusalOf(sealed(programmedModel(change)));
    expect(refusal.code).toBe(code);
    expect(refusal.details.field).toMatch(/^akidaPrograms/);
  });

  it('with programs that share their bytes', () => {
    const { document, data } = documentOf(programmedModel());
    const copy = JSON.parse(JSON.stringify(document));
    for (const program of copy.akidaPrograms.programs) program.data = copy.akidaPrograms.programs[0].data;
    const refusal = refusalOf(packContainer(copy, data));
    expect(refusal).toMatchObject({ code: 'BUNDLE_SCHEMA' });
  });

  it('with programs of more bytes than a card is given', () => {
    const data = new Uint8Array(2 ** 26 + 4);
    new DataView(data.buffer).setUint32(0, 2 ** 26, true);
    expect(refusalOf(sealed(programmedModel(only({ data }))))).toMatchObject({
      code: 'BUNDLE_INCONSISTENT',
      details: { received: 'akd1000 whole: 67108868 bytes of data' },
    });
  });

  it('where the manifest has no shifts, without which potentials cannot be told', () => {
    const { manifest, ...rest } = programmedModel();
    const { akida1: _, ...without } = manifest;
    const refusal = refusalOf(sealed({ ...rest, manifest: without }));
    expect(refusal).toMatchObject({ code: 'BUNDLE_INCONSISTENT', details: { field: 'akidaPrograms' } });
  });
});

describe('programs belong to their graph', () => {
  it.each([
    ['a weight', (graph: ReturnType<typeof tinyGraph>) => graph.head.weights.fill(3, 2, 3)],
    ['a bias', (graph: ReturnType<typeof tinyGraph>) => graph.head.bias.fill(3, 0, 1)],
  ])('with %s changed they are refused', (_, change) => {
    const { graph } = tinyModel();
    change(graph);
    const refusal = refusalOf(sealed({ ...programmedModel(), graph }));
    expect(refusal).toMatchObject({
      code: 'BUNDLE_INCONSISTENT',
      details: { field: 'akidaPrograms', received: 'programs of another graph' },
    });
  });

  it('whose digest knows every integer and no order of members', () => {
    const graph = tinyGraph();
    const turned = Object.fromEntries(Object.entries(graph).reverse()) as typeof graph;
    expect(graphDigest(turned)).toBe(graphDigest(graph));
    const [convolution, flatten] = graph.nodes;
    const others = [
      { ...graph, classes: [...graph.classes].reverse() },
      { ...graph, nodes: [flatten, convolution] },
      { ...graph, nodes: [{ ...convolution, bias: Int32Array.of(500, -701) }, flatten] },
      { ...graph, nodes: [{ ...convolution, clamp: { minimum: 3, maximum: 251 } }, flatten] },
      { ...graph, head: { ...graph.head, weights: graph.head.weights.toReversed() } },
    ] as (typeof graph)[];
    const digests = [graph, ...others].map(graphDigest);
    expect(new Set(digests).size).toBe(digests.length);
  });
});
