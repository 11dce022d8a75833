/** What was learned when an installed model takes the place of another, as a start of the appliance has it. */
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelBundle } from '../../../src/model/bundle/bundle.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { bundleBytes } from '../../../src/model/bundle/write.ts';
import { takeLearningAlong } from '../../../src/runtime/appliance/learning-along.ts';
import { Journal } from '../../../src/store/journal.ts';
import { Activation } from '../../../src/updates/install/activation.ts';
import { Installed } from '../../../src/updates/install/installed.ts';
import { Installer } from '../../../src/updates/install/installer.ts';
import type { Release } from '../../../src/updates/release.ts';
import { CLASSES, drawCase, FOREIGN, learnableBundle } from '../../support/learnable.ts';
import { changed, raised, withOtherEmbedding } from '../../support/next-model.ts';
import { Pupil } from '../../support/pupil.ts';
import { Random } from '../../support/random.ts';
import { releaseOf } from '../../support/updates/office.ts';
import { installerOptions, OPERATION, proving } from '../../support/updates/releases.ts';

const former = changed(learnableBundle(), {});
const sameEmbedding = raised(former, [150, -100, 50, 200]);

let data: string;
let journal: Journal;
beforeEach(() => {
  data = mkdtempSync(path.join(tmpdir(), 'along-'));
  journal = Journal.open(path.join(data, 'journal.sqlite'));
});
afterEach(() => {
  journal.close();
  rmSync(data, { recursive: true, force: true });
});

const begin = async () => {
  const installed = new Installed({ data, journal, operation: OPERATION });
  const activation = new Activation({ data, installed, kinds: ['model'], goodCaptures: 1 });
  await activation.beginStart();
  return activation;
};

/** Installs a bundle and begins a start with it. */
async function startWith(bundle: ModelBundle, words: Partial<Release> = {}) {
  const file = path.join(data, 'fetched');
  const content = bundleBytes(bundle);
  writeFileSync(file, content);
  const hash = createHash('sha256').update(content).digest('hex');
  const target = {
    ...{ name: `stable/tiny-${bundle.version}.spikescope`, length: content.length, custom: {} },
    ...{ hashes: new Map([['sha256', hash] as const]), place: [], role: 'stable', keys: [] },
  };
  const release = releaseOf(bundle.version, { name: 'tiny', ...words });
  await new Installer(installerOptions(data, journal, proving(true))).install({ target, release, file });
  return begin();
}

/** A start's way with what was learned. @returns what it said */
async function take(activation: Activation): Promise<{ said: string[]; bundle: ModelBundle }> {
  const said: string[] = [];
  const bundle = await readBundle((await activation.contentOf('model')) ?? '');
  await takeLearningAlong({
    ...{ activation, bundle, folder: data, journal, say: (line) => said.push(line) },
    ...{ onSetAside: () => {}, mayHaveTaught: () => true },
  });
  return { said, bundle };
}

async function teach(bundle: ModelBundle): Promise<Pupil> {
  const pupil = await Pupil.open(bundle, { folder: data, journal });
  const random = new Random(3);
  for (let i = 0; pupil.learner.remembered < 12; i++) {
    const label = i % (FOREIGN + 1);
    await pupil.teach(drawCase(random, label), CLASSES[label] ?? 'foreign', `lesson-${i}`);
  }
  return pupil;
}

const rememberedWith = async (bundle: ModelBundle) =>
  (await Pupil.open(bundle, { folder: data, journal })).learner.remembered;

describe('the first start with an installed model', () => {
  beforeEach(async () => {
    await (await startWith(former)).captureSucceeded();
    await teach(former);
  });

  it('takes along what was learned where the embedding is the same, and once', async () => {
    const activation = await startWith(sameEmbedding);
    const { said, bundle } = await take(activation);
    expect(said).toEqual([expect.stringContaining('12 cases are fitted again')]);
    expect(await rememberedWith(bundle)).toBe(12);
    await take(await begin());
    expect(await rememberedWith(bundle)).toBe(12);
    expect(journal.payloadsOf('learned', 'provision')).toHaveLength(1);
  });

  it.each([
    ['has another embedding', withOtherEmbedding(former), {}],
    ['comes with the word to park it', sameEmbedding, { learning: 'park' }],
  ] as const)('leaves it for its own model where the new one %s', async (_, next, words) => {
    const activation = await startWith(next, words);
    const { said, bundle } = await take(activation);
    expect(said).toEqual([expect.stringContaining('waits until that model is used again')]);
    expect(await rememberedWith(bundle)).toBe(0);
    await activation.refuse('model', 'it did not do');
    const before = await readBundle((await activation.contentOf('model')) ?? '');
    expect(before.digest).toBe(former.digest);
    expect(await rememberedWith(before)).toBe(12);
  });

  it('does nothing once the model is confirmed', async () => {
    const activation = await startWith(sameEmbedding, { learning: 'park' });
    await activation.captureSucceeded();
    expect((await take(await begin())).said).toEqual([]);
  });

  it('reads all the same where the model before cannot be read any more', async () => {
    const activation = await startWith(sameEmbedding);
    writeFileSync(path.join(data, 'updates/slots/model-a/model.spikescope'), 'damaged');
    expect((await take(activation)).said).toEqual([expect.stringContaining('is left as it is')]);
  });
});
