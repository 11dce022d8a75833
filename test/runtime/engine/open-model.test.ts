import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { writeBundle } from '../../../src/model/bundle/write.ts';
import type { Engine } from '../../../src/runtime/engine/contract.ts';
import { createInterpreterEngine } from '../../../src/runtime/engine/interpreter.ts';
import { openModel } from '../../../src/runtime/engine/open-model.ts';
import { tinyModel } from '../../support/tiny-model.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-model-'));
const sound = path.join(folder, 'sound.spikescope');
const wrong = path.join(folder, 'wrong.spikescope');

beforeAll(async () => {
  const contents = tinyModel();
  await writeBundle(sound, contents);
  const [{ input, potentials }] = contents.golden;
  const golden = [{ input, potentials: potentials.map((value, i) => (i === 1 ? value + 1 : value)) }];
  await writeBundle(wrong, { ...contents, golden });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('opening a model', () => {
  it('gives the bundle and an engine that reproduces its golden potentials', async () => {
    const { bundle, engine } = await openModel(sound);
    const [{ input, potentials }] = bundle.golden;
    expect((await engine.infer(input)).potentials).toEqual(potentials);
    expect(engine.backend).toBe('cpu');
    await engine.close();
  });

  it('refuses a bundle whose golden potentials its engine does not reproduce, and closes that engine', async () => {
    const engines: Engine[] = [];
    const opening = openModel(wrong, {}, async (graph) => {
      const engine = await createInterpreterEngine(graph);
      engines.push(engine);
      return engine;
    });
    await expect(opening).rejects.toMatchObject({ code: 'BUNDLE_GOLDEN', exitCode: 3 });
    await expect(engines[0].infer(new Uint8Array(48))).rejects.toMatchObject({ code: 'ENGINE_CLOSED' });
  });

  it('refuses what is not there', async () => {
    await expect(openModel(path.join(folder, 'none'))).rejects.toMatchObject({ code: 'BUNDLE_UNREADABLE' });
  });
});
