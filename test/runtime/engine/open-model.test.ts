import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { writeBundle } from '../../../src/model/bundle/write.ts';
import type { Engine, EngineFactory } from '../../../src/runtime/engine/contract.ts';
import { interpreterBackend } from '../../../src/runtime/engine/interpreter.ts';
import { openModel, openProved } from '../../../src/runtime/engine/open-model.ts';
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
    const open: EngineFactory = async (graph) => {
      const engine = await interpreterBackend.open(graph);
      engines.push(engine);
      return engine;
    };
    const opening = openModel(wrong, {}, [{ ...interpreterBackend, open }]);
    await expect(opening).rejects.toMatchObject({ code: 'BUNDLE_GOLDEN', exitCode: 3 });
    await expect(engines[0].infer(new Uint8Array(48))).rejects.toMatchObject({ code: 'ENGINE_CLOSED' });
  });

  it('asks for no part that a reading does not need, since each is checked when it is asked for', async () => {
    const asked: PropertyKey[] = [];
    const watched = new Proxy(await readBundle(sound), {
      get(bundle, part) {
        asked.push(part);
        return Reflect.get(bundle, part);
      },
    });
    const engine = await openProved(interpreterBackend, watched);
    expect(asked).toContain('golden');
    for (const part of ['manifest', 'card', 'learning']) expect(asked).not.toContain(part);
    await engine.close();
  });

  it('takes the backend that is named, and says nothing then', async () => {
    const remarks: string[] = [];
    const { engine } = await openModel(sound, {
      backend: 'interpreter',
      onRemark: (remark) => remarks.push(remark),
    });
    expect(engine.backend).toBe('interpreter');
    expect(remarks).toEqual([]);
    await engine.close();
  });

  it('refuses a backend that is not here: BACKEND_ABSENT', async () => {
    await expect(openModel(sound, { backend: 'akida' })).rejects.toMatchObject({
      code: 'BACKEND_ABSENT',
      exitCode: 1,
    });
  });

  it('refuses what is not there', async () => {
    await expect(openModel(path.join(folder, 'none'))).rejects.toMatchObject({ code: 'BUNDLE_UNREADABLE' });
  });
});
