import { afterEach, describe, expect, it } from 'vitest';
import type { Engine } from '../../../src/runtime/engine/contract.ts';
import { createCpuEngine } from '../../../src/runtime/engine/cpu.ts';
import { createInterpreterEngine } from '../../../src/runtime/engine/interpreter.ts';
import { randomGraph, randomInput } from '../../support/graphs.ts';
import { Random } from '../../support/random.ts';

const graph = randomGraph(7);
const random = new Random(1);
const batch = Buffer.concat([1, 2, 3, 4].map(() => randomInput(graph, random)));
const opened: Engine[] = [];
afterEach(() => Promise.all(opened.splice(0).map((engine) => engine.close())));

async function interpreter(): Promise<Engine> {
  const engine = await createInterpreterEngine(graph);
  opened.push(engine);
  return engine;
}

describe('the interpreter as an engine', () => {
  it('answers a batch as the native engine does, counted or not', async () => {
    const native = await createCpuEngine(graph);
    opened.push(native);
    const expected = await native.infer(batch);
    const engine = await interpreter();
    expect(await engine.infer(batch)).toEqual(expected);
    expect(await engine.infer(batch, 4)).toEqual(expected);
  });

  it('copies its input before it returns', async () => {
    const engine = await interpreter();
    const expected = await engine.infer(batch);
    const given = Uint8Array.from(batch);
    const call = engine.infer(given);
    given.fill(0);
    expect(await call).toEqual(expected);
  });

  it('lets others have the thread between images, so that a signal stops a batch in the middle', async () => {
    const engine = await interpreter();
    const controller = new AbortController();
    const call = engine.infer(batch, 4, { signal: controller.signal });
    setImmediate(() => controller.abort('no longer wanted'));
    await expect(call).rejects.toMatchObject({ code: 'ABORTED', cause: 'no longer wanted' });
    expect((await engine.infer(batch)).potentials).toHaveLength(4 * graph.classes.length);
  });

  it('finishes what was asked before it was closed, and refuses what comes after', async () => {
    const engine = await interpreter();
    const calls = [engine.infer(batch), engine.infer(batch)];
    const ended: string[] = [];
    for (const call of calls) call.then(() => ended.push('call'));
    const closing = engine.close().then(() => ended.push('closed'));
    await expect(engine.infer(batch)).rejects.toMatchObject({ code: 'ENGINE_CLOSED' });
    await closing;
    expect(ended).toEqual(['call', 'call', 'closed']);
  });

  it.each([
    ['too few bytes', () => [batch.subarray(1), 4]],
    ['part of an image', () => [batch.subarray(1)]],
    ['nothing', () => [new Uint8Array()]],
  ])('refuses %s: INPUT_SIZE', async (_, given) => {
    const engine = await interpreter();
    const answer = Reflect.apply(engine.infer, engine, given());
    await expect(answer).rejects.toMatchObject({ code: 'INPUT_SIZE', exitCode: 3 });
  });

  it('refuses instruction sets, having none', async () => {
    const opening = createInterpreterEngine(graph, { instructionSet: 'avx2' });
    await expect(opening).rejects.toMatchObject({ code: 'INSTRUCTION_SET', exitCode: 2 });
  });
});
