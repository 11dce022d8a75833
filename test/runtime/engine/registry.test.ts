import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { SpikescopeError } from '../../../src/errors.ts';
import { writeBundle } from '../../../src/model/bundle/write.ts';
import { nativeAddon } from '../../../src/native/addon.ts';
import {
  type Backend,
  type Deviation,
  type Engine,
  INSTRUCTION_SETS,
} from '../../../src/runtime/engine/contract.ts';
import { interpreterBackend } from '../../../src/runtime/engine/interpreter.ts';
import { openModel } from '../../../src/runtime/engine/open-model.ts';
import { BACKENDS, chooseBackend } from '../../../src/runtime/engine/registry.ts';
import { backendSchema } from '../../../src/telehealth/payload.ts';
import { tinyModel } from '../../support/tiny-model.ts';

const folder = mkdtempSync(path.join(tmpdir(), 'spikescope-registry-'));
const model = path.join(folder, 'tiny.spikescope');
beforeAll(() => writeBundle(model, tinyModel()));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const missing = new SpikescopeError('ADDON_MISSING', 'The native addon is not built', {
  file: '/addon.node',
  remedy: 'npm run build',
});

function absent(kind: Backend['kind']): Backend {
  return { kind, describe: () => ({ present: false, fault: missing }), open: () => Promise.reject(missing) };
}

function present(kind: Backend['kind'], deviation: Deviation | null = null): Backend {
  return { ...interpreterBackend, kind, describe: () => ({ present: true, detail: 'slowly', deviation }) };
}

/** Answers with every potential off by `difference`; `engines` takes what it opens. */
function shifted(difference: number, deviation: Deviation | null, engines: Engine[] = []): Backend {
  return {
    ...present('akida', deviation),
    open: async (graph) => {
      const inner = await interpreterBackend.open(graph);
      const engine: Engine = {
        backend: 'akida',
        instructionSet: 'a card',
        arenaBytes: 0,
        close: () => inner.close(),
        infer: async (inputs, count) => {
          const { potentials, embeddings } = await inner.infer(inputs, count);
          return { potentials: potentials.map((value) => value - difference), embeddings };
        },
      };
      engines.push(engine);
      return engine;
    },
  };
}

describe('the registry', () => {
  it('has one backend for every name that is published', () => {
    expect(BACKENDS.map(({ kind }) => kind)).toEqual([...backendSchema.options]);
    expect(backendSchema.options).toEqual(['cpu', 'akida', 'interpreter']);
  });

  it('knows the native engine as exact, and the card as absent from this build', () => {
    expect(nativeAddon().backends()).toMatchObject([
      { kind: 'cpu', present: true, deviation: null },
      { kind: 'akida', present: false, detail: expect.stringContaining('AKIDA_ENGINE_DIR'), deviation: null },
    ]);
    expect(BACKENDS.map((backend) => backend.describe())).toMatchObject([
      { present: true, deviation: null },
      { present: false, fault: { code: 'BACKEND_ABSENT' } },
      { present: true, deviation: null },
    ]);
  });

  it('names every instruction set that the addon has', () => {
    expect(INSTRUCTION_SETS).toEqual(expect.arrayContaining(nativeAddon().instructionSets()));
  });
});

describe('the backend `auto`', () => {
  it('is the first one that is here, without a remark where that is the best', () => {
    const { backend, remark } = chooseBackend('auto', [present('cpu'), present('interpreter')]);
    expect([backend.kind, remark]).toEqual(['cpu', null]);
    expect(chooseBackend('auto').backend.kind).toBe('cpu');
  });

  it('is the next one where the best is missing, and one sentence says what serves and what to type', () => {
    const { backend, remark } = chooseBackend('auto', [
      absent('cpu'),
      absent('akida'),
      present('interpreter'),
    ]);
    expect(backend.kind).toBe('interpreter');
    expect(remark).toBe(
      'The native addon is not built (/addon.node), so the backend interpreter serves, slowly; to mend it: npm run build',
    );
  });

  it('is never one whose answers may differ', () => {
    const card = present('akida', { reason: 'it has four bits', potentials: 5 });
    expect(chooseBackend('auto', [card, present('cpu')]).backend.kind).toBe('cpu');
    expect(() => chooseBackend('auto', [card])).toThrow(expect.objectContaining({ code: 'BACKEND_ABSENT' }));
  });
});

describe('a backend by name', () => {
  it('is that one, whatever else is here', () => {
    expect(chooseBackend('interpreter').backend.kind).toBe('interpreter');
  });

  it('is refused with its own fault where it is absent, never replaced', () => {
    expect(() => chooseBackend('cpu', [absent('cpu'), present('interpreter')])).toThrow(missing);
  });

  it('is refused where there is none of that name', () => {
    const choose = () => Reflect.apply(chooseBackend, null, ['gpu']);
    expect(choose).toThrow(expect.objectContaining({ code: 'BACKEND_UNKNOWN', exitCode: 2 }));
  });
});

describe('golden inputs judge every backend', () => {
  const two: Deviation = { reason: 'it has four bits', potentials: 2 };

  it.each([0, 1, 2, -2])('as far as its declared deviation of two: off by %i serves', async (difference) => {
    const { engine } = await openModel(model, { backend: 'akida' }, [shifted(difference, two)]);
    expect(engine.backend).toBe('akida');
    await engine.close();
  });

  it.each([3, -3])('and no further: off by %i is refused and closed', async (difference) => {
    const engines: Engine[] = [];
    const opening = openModel(model, { backend: 'akida' }, [shifted(difference, two, engines)]);
    await expect(opening).rejects.toMatchObject({ code: 'BUNDLE_GOLDEN' });
    await expect(opening).rejects.toThrow(expect.objectContaining({ exitCode: 3 }));
    await expect(engines[0].infer(new Uint8Array(48))).rejects.toMatchObject({ code: 'ENGINE_CLOSED' });
  });

  it('to the bit where nothing is declared', async () => {
    const opening = openModel(model, { backend: 'akida' }, [shifted(1, null)]);
    await expect(opening).rejects.toMatchObject({ code: 'BUNDLE_GOLDEN' });
  });
});
