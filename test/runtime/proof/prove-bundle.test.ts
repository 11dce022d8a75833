/** What a model must show on the device before it is used: bundles that are whole and signed, and bad. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { ModelBundle, ModelContents } from '../../../src/model/bundle/bundle.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { bundleBytes } from '../../../src/model/bundle/write.ts';
import { graphDigest } from '../../../src/model/graph-digest.ts';
import type { Backend } from '../../../src/runtime/engine/contract.ts';
import { interpreterBackend } from '../../../src/runtime/engine/interpreter.ts';
import { BACKENDS } from '../../../src/runtime/engine/registry.ts';
import { DEFAULT_MODEL } from '../../../src/runtime/engine/shipped-models.ts';
import type { Demands, ProofLine } from '../../../src/runtime/proof/protocol.ts';
import { proveBundle } from '../../../src/runtime/proof/prove-bundle.ts';
import { Journal } from '../../../src/store/journal.ts';
import type { ProofItem } from '../../../src/updates/install/contract.ts';
import { FailingCard } from '../../support/failing-card.ts';
import { CLASSES, drawCase, FOREIGN, learnableBundle } from '../../support/learnable.ts';
import { changed, consistent, raised, withOtherEmbedding } from '../../support/next-model.ts';
import { provableBundle, shuffledHead } from '../../support/provable.ts';
import { Pupil } from '../../support/pupil.ts';
import { Random } from '../../support/random.ts';
import { tinyProgram } from '../../support/tiny-programs.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'proof-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const good = provableBundle();

interface Circumstances {
  readonly current?: ModelContents | null;
  readonly data?: string;
  readonly demands?: Demands;
  readonly backends?: readonly Backend[];
}

function written(name: string, contents: ModelContents | Uint8Array): string {
  const file = path.join(folder, `${name}.spikescope`);
  writeFileSync(file, contents instanceof Uint8Array ? contents : bundleBytes(contents));
  return file;
}

async function prove(
  bundle: ModelContents | Uint8Array,
  { current = good, data, demands = {}, backends = [interpreterBackend] }: Circumstances = {},
): Promise<{ failed: string[]; item: (name: string) => ProofItem | undefined; lines: ProofLine[] }> {
  const lines: ProofLine[] = [];
  const job = {
    ...{ file: written('next', bundle), data: data ?? null, demands },
    current: current === null ? null : written('current', current),
  };
  await proveBundle(job, (line) => lines.push(line), backends);
  const items = lines.flatMap((line) => ('item' in line ? [line.item] : []));
  return {
    failed: items.filter(({ passed }) => !passed).map(({ name }) => name),
    item: (name) => items.find((each) => each.name === name),
    lines,
  };
}

describe('a good bundle', () => {
  it('is proven, each thing that is planned in its turn and with its figures', async () => {
    const { failed, lines, item } = await prove(good, { backends: BACKENDS });
    expect(failed).toEqual([]);
    const [first, ...rest] = lines;
    const plan = 'plan' in first ? first.plan : [];
    expect(rest.map((line) => ('item' in line ? line.item.name : 'end'))).toEqual([...plan, 'end']);
    expect(plan).toEqual(expect.arrayContaining(['golden.cpu', 'golden.interpreter', 'latency', 'learned']));
    expect(item('golden.cpu')?.measured).toBe(1);
    expect(item('balancedAccuracy')?.measured).toBeGreaterThan(0.6);
    expect(item('latency')?.measured).toBeGreaterThan(0);
    expect(item('holdOut')?.measured).toBeGreaterThan(0.6);
  });

  it('is proven where nothing is known of the model in use', async () => {
    expect((await prove(good, { current: null })).failed).toEqual([]);
  });

  it('is the one that ships, held to itself', async () => {
    const shipped = readFileSync(DEFAULT_MODEL);
    const file = written('shipped', shipped);
    const lines: ProofLine[] = [];
    const cpu = BACKENDS.filter(({ kind }) => kind === 'cpu');
    await proveBundle({ file, current: file, data: null, demands: {} }, (line) => lines.push(line), cpu);
    const items = lines.flatMap((line) => ('item' in line ? [line.item] : []));
    expect(items.filter(({ passed }) => !passed)).toEqual([]);
    expect(items).toHaveLength(8);
  });
});

describe('the interpreter', () => {
  it('is not asked for what would take it minutes, where the native engine serves', async () => {
    const shipped = await readBundle(DEFAULT_MODEL);
    const golden = Array.from({ length: 4 }, () => shipped.golden).flat();
    const large = changed(shipped, { golden });
    const { failed, item } = await prove(large, { current: shipped, backends: BACKENDS });
    expect(failed).toEqual([]);
    expect(item('golden.cpu')?.measured).toBe(1);
    expect(item('golden.interpreter')).toMatchObject({
      measured: null,
      required: expect.stringMatching(/too much/),
    });
  });
});

describe('a bundle that is whole and bad is refused with figures', () => {
  const shuffled = shuffledHead(good);

  it('where its head reads worse than the one in use', async () => {
    const { failed, item } = await prove(provableBundle(shuffled));
    expect(failed).toContain('balancedAccuracy');
    const { measured, required } = item('balancedAccuracy') ?? {};
    expect(measured).toBeLessThan(0.5);
    expect(required).toMatch(/^at least 0\.\d{4}, which is one case less than the model in use, 0\.\d{4}$/);
  });

  it('where its head reads worse and its hold-out set is that of the good one', async () => {
    const { failed, item } = await prove(provableBundle(shuffled, false));
    expect(failed).toEqual(['holdOut']);
    expect(item('holdOut')?.measured).toBeLessThan(0.3);
  });

  it('where the head of the one that ships was shuffled and its golden outputs made right again', async () => {
    const shipped = await readBundle(DEFAULT_MODEL);
    const head = { ...shipped.graph.head, weights: shuffledHead(shipped) };
    const bad = consistent({ ...shipped, graph: { ...shipped.graph, head }, akidaPrograms: undefined });
    const cpu = BACKENDS.filter(({ kind }) => kind === 'cpu');
    const { failed, item } = await prove(bad, { current: shipped, backends: cpu });
    expect(failed).toEqual(['holdOut']);
    expect(item('holdOut')?.measured).toBeLessThan(0.1);
    expect(item('golden.cpu')?.measured).toBe(1);
  });

  it('where it shows less than its release says', async () => {
    const proof = { balancedAccuracy: 0.99, triageSensitivity: 1 };
    const { failed, item } = await prove(provableBundle(shuffled), { demands: { proof } });
    expect(failed).toEqual(['balancedAccuracy', 'triageSensitivity']);
    expect(item('balancedAccuracy')?.required).toBe('at least 0.9900, as the release says');
  });

  it('where it refers less than it promises itself, whatever it claims to have measured', async () => {
    const { triage } = good;
    if (triage === undefined) throw new Error('another bundle');
    const bad = changed(good, { triage: { ...triage, threshold: 0.999 } });
    const { failed, item } = await prove(bad, { current: null });
    expect(failed).toEqual(['triageSensitivity']);
    expect(item('triageSensitivity')?.required).toMatch(/than the bundle promises, 0\.5000/);
    expect((await prove(bad)).failed).toEqual(['triageSensitivity']);
  });

  it('where it does without the hold-out set or the triage that the one in use has', async () => {
    const { failed } = await prove(changed(good, { learning: undefined }));
    expect(failed).toEqual(['holdOut', 'balancedAccuracy', 'triageSensitivity']);
    expect((await prove(changed(good, { triage: undefined }))).failed).toEqual(['triageSensitivity']);
  });

  it('where it is slower than its release says', async () => {
    const { failed, item } = await prove(good, { demands: { proof: { latency: 1e-6 } } });
    expect(failed).toEqual(['latency']);
    expect(item('latency')?.measured).toBeGreaterThan(1e-6);
    expect(item('latency')?.required).toMatch(/at most 0\.000001 ms/);
    expect((await prove(good, { demands: { proof: { latency: 60_000 } } })).failed).toEqual([]);
  });

  it('where a golden output is wrong, with the share of those that are right', async () => {
    const golden = good.golden.map(({ input, potentials }, i) => ({
      ...{ input, potentials: i === 1 ? potentials.map((each) => each + 1) : potentials },
    }));
    const { failed, item } = await prove(changed(good, { golden }), { backends: BACKENDS });
    expect(failed).toEqual(['golden.cpu', 'golden.interpreter']);
    expect(item('golden.cpu')?.measured).toBeCloseTo(2 / 3);
  });

  it('where a class that is reported now is gone', async () => {
    const { graph } = good;
    const renamed = changed(good, { graph: { ...graph, classes: ['one', 'two', 'tres', 'mel'] } });
    const { failed, item } = await prove(renamed);
    expect(failed).toEqual(['classes']);
    expect(item('classes')).toMatchObject({
      measured: 0.75,
      required: expect.stringMatching(/missing: three$/),
    });
  });

  it('where it is no bundle, or a damaged one', async () => {
    const bytes = Buffer.from(bundleBytes(good));
    bytes[bytes.length >> 1] ^= 1;
    for (const bad of [Buffer.from('no bundle'), bytes]) {
      const { failed, lines } = await prove(bad);
      expect(failed).toEqual(['bundle']);
      expect(lines.at(-1)).toEqual({ end: true });
    }
  });
});

describe('a card', () => {
  const withCard = (card: FailingCard) => ({ backends: [card.backend, interpreterBackend] });
  const programmed = changed(good, {
    manifest: { ...good.manifest, akida1: { layers: [], shifts: new Int32Array(CLASSES.length) } },
    akidaPrograms: {
      ...{ version: 1, graph: graphDigest(good.graph) },
      programs: [tinyProgram({ kind: 'backbone' })],
    },
  });

  it('replays the golden inputs too', async () => {
    const card = new FailingCard(interpreterBackend);
    const { failed, item } = await prove(programmed, withCard(card));
    expect(failed).toEqual([]);
    expect(item('golden.akida')).toMatchObject({ passed: true, measured: 1 });
    expect(card.answered).toEqual([good.golden.length]);
    expect(card.openEngines).toBe(0);
  });

  it('refuses the bundle where it answers wrongly or not at all', async () => {
    const lying = new FailingCard(interpreterBackend);
    lying.outcomeOf = () => 'lies';
    const wrong = await prove(programmed, withCard(lying));
    expect(wrong.failed).toEqual(['golden.akida']);
    expect(wrong.item('golden.akida')?.measured).toBe(0);
    const dead = new FailingCard(interpreterBackend);
    dead.isDead = true;
    const { failed, item } = await prove(programmed, withCard(dead));
    expect(failed).toEqual(['golden.akida']);
    expect(item('golden.akida')?.required).toMatch(/DEVICE_DEAD/);
    for (const each of [lying, dead]) expect(each.openEngines).toBe(0);
  });

  it('that another process uses is asked when the model is opened, which the item says', async () => {
    const card = new FailingCard(interpreterBackend);
    const engine = await card.backend.open(good.graph);
    const { failed, item } = await prove(programmed, withCard(card));
    await engine.close();
    expect(failed).toEqual([]);
    expect(item('golden.akida')).toMatchObject({ measured: null, required: expect.stringMatching(/in use/) });
  });

  it('of which the bundle has no program is not asked, unless the model in use has one', async () => {
    const card = new FailingCard(interpreterBackend);
    const { failed, item } = await prove(good, withCard(card));
    expect(failed).toEqual([]);
    expect(item('golden.akida')?.required).toMatch(/no program for this card/);
    expect(card.answered).toEqual([]);
    const lost = await prove(good, { ...withCard(card), current: programmed });
    expect(lost.failed).toEqual(['golden.akida']);
  });
});

describe('what was learned', () => {
  const former = changed(learnableBundle(), {});
  const next = raised(former, [150, -100, 50, 200]);

  /** A data folder in which cases of these kinds were taught. */
  async function taught(kinds: readonly number[]): Promise<string> {
    const data = mkdtempSync(path.join(folder, 'data-'));
    const journal = Journal.open(path.join(data, 'journal.sqlite'));
    try {
      const pupil = await Pupil.open(former, { folder: data, journal });
      const random = new Random(3);
      for (let i = 0; pupil.learner.remembered < 8; i++) {
        const kind = kinds[i % kinds.length];
        await pupil.teach(drawCase(random, kind), CLASSES[kind] ?? 'foreign', `lesson-${i}`);
      }
    } finally {
      journal.close();
    }
    return data;
  }
  const look = async (bundle: ModelBundle, data: string, demands: Demands = {}) => {
    const { item } = await prove(bundle, { current: former, data, demands });
    return { learned: item('learned'), classes: item('classes') };
  };

  it('is tried on the new model, and nothing is changed by it', async () => {
    const data = await taught([0, 1, FOREIGN]);
    const before = path.join(folder, 'before');
    cpSync(data, before, { recursive: true });
    const { learned, classes } = await look(next, data);
    expect(learned).toMatchObject({
      passed: true,
      required: expect.stringMatching(/^8 cases are fitted again/),
    });
    expect(learned?.measured).toBeGreaterThan(0.5);
    expect(classes).toMatchObject({ passed: true, measured: 1 });
    expect(readdirSync(data)).toEqual(readdirSync(before));
    for (const name of readdirSync(data)) {
      expect(readFileSync(path.join(data, name))).toEqual(readFileSync(path.join(before, name)));
    }
  });

  it('waits before another embedding: added classes would be gone, unless the release says that they may', async () => {
    const other = withOtherEmbedding(former);
    const known = await look(other, await taught([0, 1]));
    expect(known.learned?.required).toMatch(/^it waits for its model: .*another embedding/);
    expect(known.classes?.passed).toBe(true);
    const data = await taught([0, FOREIGN]);
    expect((await look(other, data)).classes).toMatchObject({
      ...{ passed: false, measured: 0.8 },
      required: expect.stringMatching(/missing: foreign; .*`park`/),
    });
    expect((await look(other, data, { learning: 'park' })).classes).toMatchObject({
      ...{ passed: true, measured: 0.8 },
      required: expect.stringMatching(/waiting .*: foreign/),
    });
  });
});
