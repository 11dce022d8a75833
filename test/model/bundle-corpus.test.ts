import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { corpusBundles } from '../support/bundle-corpus.ts';
import { wholeBundle } from '../support/whole-bundle.ts';

const FOLDER = 'test/corpus/bundles';
const names = () => readdirSync(FOLDER).filter((name) => name.endsWith('.spikescope'));

/** SPIKESCOPE_UPDATE_CORPUS=1 writes what a change of the format makes different. */
if (process.env.SPIKESCOPE_UPDATE_CORPUS !== undefined) {
  for (const [name, bytes] of corpusBundles()) writeFileSync(path.join(FOLDER, `${name}.spikescope`), bytes);
}

describe('the corpus from which the loader is fuzzed', () => {
  it('holds a bundle of every kind, as the program writes it today', () => {
    const bundles = corpusBundles();
    expect(names().sort()).toEqual([...bundles.keys()].map((name) => `${name}.spikescope`).sort());
    for (const [name, bytes] of bundles) {
      expect(readFileSync(path.join(FOLDER, `${name}.spikescope`)).equals(bytes), name).toBe(true);
    }
  });

  it.each(names())('%s loads', (name) => {
    expect(wholeBundle(readFileSync(path.join(FOLDER, name)), name).graph.nodes.length).toBeGreaterThan(0);
  });
});
