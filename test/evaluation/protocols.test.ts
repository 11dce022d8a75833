import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LEAKAGE_PARAGRAPH, sideBySide } from '../../src/evaluation/protocols/side-by-side.ts';
import {
  type PaperEntry,
  protocolFigures,
  readStoredFigures,
  type StoredFigures,
  storedFiguresFile,
  storeFigures,
} from '../../src/evaluation/protocols/stored-figures.ts';
import { figuresOf } from '../../src/statistics/figures.ts';

const MODEL = { name: 'net', version: '1.2.0', digest: 'abc' };

/** Figures of a model that is right in `right` of ten answers. */
function figures(right: number) {
  const answers = Array.from({ length: 10 }, (_, i) => ({
    label: i % 2,
    probabilities: i < right === (i % 2 === 0) ? [0.9, 0.1] : [0.1, 0.9],
    group: `l${i}`,
  }));
  return protocolFigures(10, figuresOf(['a', 'b'], answers).figures);
}

const PAPER: PaperEntry = {
  training: { network: 'net', inputSize: 64, epochs: 3, seed: 1, syntheticImages: 40 },
  leakage: { trainRows: 80, testRows: 20, copies: 0.4, sharedImage: 0.5, sharedLesion: 0.8 },
  figures: figures(9),
};
const LESION = { digest: 'abc', split: 'test', figures: figures(7) };

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), 'spikescope-protocols-'));
});
afterAll(() => rm(folder, { recursive: true }));

describe('figures beside a bundle', () => {
  it('lie in a file named after it', () => {
    expect(storedFiguresFile('models/qana64.spikescope')).toBe('models/qana64.protocols.json');
  });

  it('are nothing where nothing was stored, and come back as they were put in', async () => {
    const file = path.join(folder, 'a.protocols.json');
    expect(await readStoredFigures(file)).toBeNull();
    await storeFigures(file, MODEL, { paper: PAPER });
    await storeFigures(file, MODEL, { lesion: LESION });
    expect(await readStoredFigures(file)).toEqual({
      format: 1,
      model: { name: 'net', version: '1.2.0' },
      lesion: LESION,
      paper: PAPER,
    });
  });

  it('of another version’s weights do not stay beside those of the new one; those of the network’s kind do', async () => {
    const file = path.join(folder, 'b.protocols.json');
    await storeFigures(file, MODEL, { paper: PAPER, lesion: LESION });
    await storeFigures(file, { ...MODEL, version: '2.0.0' }, {});
    expect(await readStoredFigures(file)).toMatchObject({ lesion: null, paper: PAPER });
    await storeFigures(file, { ...MODEL, name: 'other' }, { lesion: LESION });
    expect(await readStoredFigures(file)).toMatchObject({ lesion: LESION, paper: null });
  });

  it('are refused when damaged, with the place', async () => {
    const file = path.join(folder, 'c.protocols.json');
    await storeFigures(file, MODEL, { paper: PAPER });
    const text = await readFile(file, 'utf8');
    await writeFile(file, text.replace('"top1": 0.9', '"top1": 9'));
    await expect(readStoredFigures(file)).rejects.toMatchObject({ code: 'PROTOCOL_FIGURES' });
    await writeFile(file, text.slice(0, 40));
    await expect(readStoredFigures(file)).rejects.toMatchObject({ code: 'PROTOCOL_FIGURES' });
  });
});

describe('two protocols side by side', () => {
  const stored: StoredFigures = {
    format: 1,
    model: { name: 'net', version: '1.2.0' },
    lesion: LESION,
    paper: PAPER,
  };

  it('are this run’s figures and the stored ones of the other', () => {
    const own = { protocol: 'lesion', figures: figures(6) } as const;
    const { lesion, paper } = sideBySide(MODEL, own, stored);
    expect(lesion).toEqual({ source: 'this run', entry: null, figures: own.figures });
    expect(paper).toEqual({ source: 'stored', entry: PAPER, figures: PAPER.figures });
    const turned = sideBySide(MODEL, { protocol: 'paper', figures: figures(8) }, stored);
    expect(turned.lesion).toMatchObject({ source: 'stored', figures: LESION.figures });
    expect(turned.paper).toMatchObject({ source: 'this run' });
  });

  it('say what is not known instead of inventing it', () => {
    const own = { protocol: 'lesion', figures: figures(6) } as const;
    expect(sideBySide(MODEL, own, null).paper).toMatchObject({ figures: null });
    const older = { ...stored, model: { name: 'net', version: '1.1.0' } };
    const { lesion } = sideBySide(MODEL, null, older);
    expect(lesion.figures === null && lesion.reason).toContain('net 1.1.0');
    expect(sideBySide(MODEL, own, older).paper).toMatchObject({ source: 'stored' });
    const other = { ...stored, model: { name: 'another', version: '1.2.0' } };
    const { paper } = sideBySide(MODEL, own, other);
    expect(paper.figures === null && paper.reason).toContain('another 1.2.0');
  });

  it('do not pass the figures of another bundle for those of this one', () => {
    const { lesion } = sideBySide({ ...MODEL, digest: 'def' }, null, stored);
    expect(lesion.figures === null && lesion.reason).toContain('another bundle, abc');
  });

  it('come with what the second leaks', () => {
    for (const word of ['copies', 'lesion', 'SMOTE on raw pixels', 'test rows themselves']) {
      expect(LEAKAGE_PARAGRAPH).toContain(word);
    }
  });
});
