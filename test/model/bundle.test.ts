import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import { FORMAT_VERSION, packContainer } from '../../src/model/bundle/container.ts';
import { documentOf } from '../../src/model/bundle/document.ts';
import { parseBundle, readBundle } from '../../src/model/bundle/read.ts';
import { bundleBytes, writeBundle } from '../../src/model/bundle/write.ts';
import { tinyModel } from '../support/tiny-model.ts';

const bytes = bundleBytes(tinyModel());

function refusalOf(action: () => unknown): RefusedError {
  try {
    action();
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

/** A bundle whose document was changed and whose digest is right nevertheless. */
function forged(change: (document: Record<string, never>) => void): Uint8Array {
  const { document, data } = documentOf(tinyModel());
  const copy = JSON.parse(JSON.stringify(document));
  change(copy);
  return packContainer(copy, data);
}

describe('a bundle on disk', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'bundle-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('reads back as it was written', async () => {
    const file = path.join(folder, 'tiny.spikescope');
    const written = await writeBundle(file, tinyModel());
    const { digest, ...contents } = await readBundle(file);
    expect(contents).toEqual(tinyModel());
    expect(digest).toBe(written.digest);
    expect(digest).toBe(
      createHash('sha256')
        .update((await readFile(file)).subarray(0, -32))
        .digest('hex'),
    );
  });

  it('has the same bytes for the same contents', () => {
    expect(Buffer.from(bundleBytes(tinyModel())).equals(bytes)).toBe(true);
  });

  it('replaces an older one and leaves no other file behind', async () => {
    const own = await mkdtemp(path.join(folder, 'replace-'));
    const file = path.join(own, 'model');
    await writeBundle(file, tinyModel());
    await writeBundle(file, { ...tinyModel(), version: '2.0.0' });
    expect((await readBundle(file)).version).toBe('2.0.0');
    expect(await readdir(own)).toEqual(['model']);
  });

  it.each([
    ['a missing file', 'missing', 'BUNDLE_UNREADABLE'],
    ['a folder', '.', 'BUNDLE_UNREADABLE'],
  ])('is refused as %s with a remedy', async (_, name, code) => {
    await expect(readBundle(path.join(folder, name))).rejects.toMatchObject({ code, exitCode: 3 });
  });

  it('is refused at once when it is a named pipe that nobody writes', async () => {
    const pipe = path.join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    await expect(readBundle(pipe)).rejects.toMatchObject({ code: 'BUNDLE_UNREADABLE' });
  });

  it('is refused when it is another kind of file', async () => {
    const file = path.join(folder, 'notes.txt');
    await writeFile(file, 'not a model');
    await expect(readBundle(file)).rejects.toMatchObject({ code: 'BUNDLE_NOT_A_BUNDLE' });
  });
});

describe('a damaged bundle', () => {
  it('is refused whichever byte was flipped, in whichever way', () => {
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), (position, difference) => {
        const damaged = Uint8Array.from(bytes);
        damaged[position] ^= difference;
        expect(refusalOf(() => parseBundle(damaged, 'model')).code).toMatch(/^BUNDLE_/);
      }),
      { numRuns: 3000 },
    );
  });

  it('is refused wherever it was cut', () => {
    for (let length = 0; length < bytes.length; length += 7) {
      expect(refusalOf(() => parseBundle(bytes.subarray(0, length), 'model')).code).toMatch(/^BUNDLE_/);
    }
  });

  it('is refused when bytes were added', () => {
    expect(refusalOf(() => parseBundle(Buffer.concat([bytes, Buffer.alloc(1)]), 'model')).code).toBe(
      'BUNDLE_DIGEST',
    );
  });

  it('of a later format asks for an update', () => {
    const later = Uint8Array.from(bytes);
    later[8] = FORMAT_VERSION + 1;
    const refusal = refusalOf(() => parseBundle(later, 'model'));
    expect(refusal.code).toBe('BUNDLE_FORMAT');
    expect(refusal.details.remedy).toContain('update');
  });
});

// biome-ignore lint/suspicious/noExplicitAny: a forger writes what no type allows
type Forgery = (document: any) => void;

/** Sixty-four golden inputs that are all the same bytes: a small file would ask for much memory. */
function repeatGolden(document: { golden: unknown[] }): void {
  document.golden = Array.from({ length: 64 }, () => document.golden[0]);
}

describe('a forged bundle whose digest is right', () => {
  const forgeries: [string, string, Forgery][] = [
    ['an unknown field', 'BUNDLE_SCHEMA', (d) => (d.backdoor = true)],
    ['an unknown operator', 'BUNDLE_SCHEMA', (d) => (d.graph.nodes[0].op = 'hardSwish')],
    ['no nodes field', 'BUNDLE_SCHEMA', (d) => delete d.graph.nodes],
    ['a missing name', 'BUNDLE_SCHEMA', (d) => delete d.name],
    ['weights beyond the data', 'BUNDLE_SCHEMA', (d) => (d.graph.nodes[0].weights.offset = 1_000_000)],
    ['a negative offset', 'BUNDLE_SCHEMA', (d) => (d.graph.nodes[0].weights.offset = -8)],
    ['an array that overlaps another', 'BUNDLE_SCHEMA', (d) => repeatGolden(d)],
    ['an array of another type', 'BUNDLE_SCHEMA', (d) => (d.graph.nodes[0].bias.type = 'int16')],
    ['a scale of zero', 'BUNDLE_SCHEMA', (d) => (d.graph.nodes[0].output.quantisation.scale = 0)],
    ['a scale that is null', 'BUNDLE_SCHEMA', (d) => (d.graph.input.quantisation.scale = null)],
    ['a zero point of 256', 'BUNDLE_SCHEMA', (d) => (d.graph.input.quantisation.zeroPoint = 256)],
    ['a fractional stride', 'BUNDLE_SCHEMA', (d) => (d.graph.nodes[0].stride = [1.5, 2])],
    ['a stride of zero', 'BUNDLE_SCHEMA', (d) => (d.graph.nodes[0].stride = [0, 2])],
    ['negative padding', 'BUNDLE_SCHEMA', (d) => (d.graph.nodes[0].padding.top = -1)],
    ['an alpha that is not positive', 'BUNDLE_SCHEMA', (d) => (d.readout.alpha = 0)],
    ['no golden input', 'BUNDLE_SCHEMA', (d) => (d.golden = [])],
    ['a threshold above one', 'BUNDLE_SCHEMA', (d) => (d.readout.thresholds[0] = 1.5)],
    ['an output of another shape', 'GRAPH_SHAPE', (d) => (d.graph.nodes[0].output.shape = [3, 2, 2])],
    ['too few weights', 'GRAPH_PARAMETERS', (d) => (d.graph.nodes[0].weights.length = 27)],
    ['too few biases', 'GRAPH_PARAMETERS', (d) => (d.graph.nodes[0].bias.length = 1)],
    ['groups that do not divide', 'GRAPH_PARAMETERS', (d) => (d.graph.nodes[0].groups = 2)],
    ['an empty clamp', 'GRAPH_PARAMETERS', (d) => (d.graph.nodes[0].clamp = { minimum: 9, maximum: 8 })],
    ['an input that nobody makes', 'GRAPH_ORDER', (d) => (d.graph.nodes[0].input = 'elsewhere')],
    ['nodes in the wrong order', 'GRAPH_ORDER', (d) => d.graph.nodes.reverse()],
    ['a node that feeds itself', 'GRAPH_ORDER', (d) => (d.graph.nodes[0].input = 'convolution')],
    ['two nodes of one name', 'GRAPH_NAME', (d) => (d.graph.nodes[1].name = 'convolution')],
    ['a node named like the input', 'GRAPH_NAME', (d) => (d.graph.nodes[0].name = 'input')],
    [
      'a flatten that rescales',
      'GRAPH_QUANTISATION',
      (d) => (d.graph.nodes[1].output.quantisation.scale = 1),
    ],
    ['a tensor of gigabytes', 'GRAPH_SIZE', (d) => (d.graph.nodes[0].output.shape = [60_000, 60_000, 2])],
    ['a head for three classes', 'GRAPH_PARAMETERS', (d) => d.graph.classes.push('third')],
    ['thresholds for three classes', 'BUNDLE_INCONSISTENT', (d) => d.readout.thresholds.push(0)],
    ['another input size', 'BUNDLE_INCONSISTENT', (d) => (d.preprocessing.width = 5)],
    ['a golden input cut short', 'BUNDLE_INCONSISTENT', (d) => (d.golden[0].input.length = 47)],
  ];

  it.each(forgeries)('with %s is refused as %s', (_, code, forge) => {
    const refusal = refusalOf(() => parseBundle(forged(forge), 'stick/model'));
    expect(refusal.code).toBe(code);
    expect(refusal.details.file).toBe('stick/model');
    expect(refusal.exitCode).toBe(3);
    expect(refusal.describe()).not.toContain('undefined');
  });

  it('with weights that could overflow an accumulator is refused', () => {
    const model = tinyModel();
    const [convolution] = model.graph.nodes;
    if (convolution.op !== 'convolution') throw new Error('the tiny model starts with a convolution');
    convolution.bias[0] = 2 ** 30;
    expect(refusalOf(() => bundleBytes(model)).code).toBe('GRAPH_ACCUMULATOR');
  });

  it('with a multiplier of zero is refused', () => {
    const model = tinyModel();
    const [convolution] = model.graph.nodes;
    if (convolution.op !== 'convolution') throw new Error('the tiny model starts with a convolution');
    convolution.requantisation.multiplier[1] = 0;
    expect(refusalOf(() => bundleBytes(model)).code).toBe('GRAPH_PARAMETERS');
  });

  it('that is not JSON, or not text, is refused', () => {
    const text = Buffer.from(bytes);
    const body = Buffer.from(text.subarray(0, -32));
    body[16] = 0xff;
    const rehashed = Buffer.concat([body, createHash('sha256').update(body).digest()]);
    expect(refusalOf(() => parseBundle(rehashed, 'model')).code).toBe('BUNDLE_DOCUMENT');
  });
});
