import { describe, expect, it } from 'vitest';
import { RefusedError } from '../../src/errors.ts';
import type { ModelContents } from '../../src/model/bundle/bundle.ts';
import { packContainer, TRIAGE_FORMAT } from '../../src/model/bundle/container.ts';
import { documentOf } from '../../src/model/bundle/document.ts';
import { parseBundle } from '../../src/model/bundle/read.ts';
import { pyramidLevels, type ScopeSection, statisticCount } from '../../src/model/bundle/scope-section.ts';
import { bundleBytes } from '../../src/model/bundle/write.ts';
import { STATISTICS, scopedModel, straight, tinyScope } from '../support/scoped-model.ts';

function refusalOf(contents: ModelContents, foreign: object = {}): RefusedError {
  const { document: own, data } = documentOf(contents);
  const document = { ...Object(own), scope: { ...Object(own).scope, ...foreign } };
  try {
    parseBundle(packContainer(document, data, undefined, TRIAGE_FORMAT), 'model');
  } catch (error) {
    if (error instanceof RefusedError) return error;
    throw error;
  }
  throw new Error('It was not refused');
}

const formatIn = (bytes: Uint8Array) => Buffer.from(bytes).readUInt32LE(8);

describe('how many statistics there are', () => {
  it.each([
    [4, 0],
    [8, 1],
    [15, 1],
    [16, 2],
    [64, 4],
    [128, 5],
  ])('a square of %d pixels has %d levels of at least 8 cells', (side, levels) => {
    expect(pyramidLevels(side)).toBe(levels);
    expect(statisticCount(side)).toBe(3 * (levels + 5));
  });
});

describe('a bundle that tells what is no lesion', () => {
  const contents = scopedModel();
  const bytes = bundleBytes(contents);

  it('reads back as it was written, with the same bytes whatever the order of members', () => {
    const { digest: _, ...read } = parseBundle(bytes, 'model');
    expect(read).toEqual(contents);
    const turned = Object.fromEntries(Object.entries(tinyScope()).reverse()) as ScopeSection;
    expect(Buffer.from(bundleBytes(scopedModel(turned))).equals(bytes)).toBe(true);
  });

  it('is of the format of triage, and of the first without it', () => {
    expect(formatIn(bytes)).toBe(TRIAGE_FORMAT);
    expect(formatIn(bundleBytes({ ...contents, scope: undefined }))).toBe(1);
  });

  it('is refused with an unknown member', () => {
    expect(refusalOf(contents, { colour: 'green' }).code).toBe('BUNDLE_SCHEMA');
  });

  // biome-ignore lint/suspicious/noExplicitAny: a forger writes what no type allows
  const forgeries: [string, string, any][] = [
    ['a later version', 'BUNDLE_SCHEMA', { version: 2 }],
    ['a method that this program does not know', 'BUNDLE_SCHEMA', { method: 'guess' }],
    ['a bias that is no number', 'BUNDLE_SCHEMA', { bias: Number.NaN }],
    ['a threshold without end', 'BUNDLE_SCHEMA', { outOfScope: Number.POSITIVE_INFINITY }],
    ['no distance at which a lesion is familiar', 'BUNDLE_SCHEMA', { unfamiliar: 0 }],
    ['weights of another kind', 'BUNDLE_SCHEMA', { weights: new Float64Array(2 * STATISTICS + 2) }],
    ['too few weights', 'BUNDLE_INCONSISTENT', { weights: new Float32Array(3) }],
    ['a weight that is none', 'BUNDLE_INCONSISTENT', { weights: new Float32Array(44).fill(Number.NaN) }],
    ['a weight that is too large', 'BUNDLE_INCONSISTENT', { weights: new Float32Array(44).fill(1e7) }],
    ['statistics of another image', 'BUNDLE_INCONSISTENT', { statistics: straight(24, 24) }],
    ['too few axes of statistics', 'BUNDLE_INCONSISTENT', { statistics: straight(STATISTICS, 3) }],
    ['an embedding of another network', 'BUNDLE_INCONSISTENT', { embedding: straight(3, 1) }],
    ['an embedding without an axis', 'BUNDLE_INCONSISTENT', { embedding: straight(2, 0) }],
    [
      'a deviation of nothing',
      'BUNDLE_INCONSISTENT',
      { embedding: { ...straight(2, 1), deviations: Float32Array.of(0) } },
    ],
    [
      'a deviation that is none',
      'BUNDLE_INCONSISTENT',
      { embedding: { ...straight(2, 1), deviations: Float32Array.of(Number.NaN) } },
    ],
    ['a rest of no width', 'BUNDLE_SCHEMA', { embedding: { ...straight(2, 1), restDeviation: 0 } }],
    [
      'a mean that is none',
      'BUNDLE_INCONSISTENT',
      { embedding: { ...straight(2, 1), mean: Float32Array.of(0, Number.NaN) } },
    ],
    [
      'an axis that is too long',
      'BUNDLE_INCONSISTENT',
      { embedding: { ...straight(2, 1), axes: Float32Array.of(2, 0) } },
    ],
    [
      'axes of another length',
      'BUNDLE_INCONSISTENT',
      { embedding: { ...straight(2, 1), axes: Float32Array.of(1) } },
    ],
  ];
  it.each(forgeries)('is refused with %s', (_, code, change) => {
    expect(STATISTICS).toBe(21);
    expect(refusalOf(scopedModel(tinyScope(change))).code).toBe(code);
  });
});
