/** The engine in the interpreter's place, for holding large integer graphs against their float graphs. */
import { describe, expect, it } from 'vitest';
import { goldenCases } from '../../src/conversion/golden.ts';
import { goldenOf, openEngineTrace } from '../../src/evaluation/engine-trace.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { modelFile } from '../../src/runtime/engine/shipped-models.ts';
import type { Tracer } from '../../src/runtime/engine/trace.ts';

const MANY = 1e9;
const { graph, golden } = await readBundle(modelFile('qana64'));

describe('the engine in the interpreter’s place', () => {
  it('gives every tensor and potential that the interpreter does', async () => {
    const tracer = await openEngineTrace(graph, golden, MANY);
    const { tensors, potentials } = interpret(graph, golden[2].input);
    const own = tracer?.trace(golden[2].input);
    await tracer?.close();
    expect(own?.potentials).toEqual(potentials);
    for (const { name } of graph.nodes) expect(own?.tensors.get(name), name).toEqual(tensors.get(name));
  });

  it('does not stand there for a handful of images, which the interpreter reads in seconds', async () => {
    expect(await openEngineTrace(graph, golden, 1)).toBeNull();
  });

  it('nor where one potential of a golden input is another', async () => {
    const [first, ...others] = golden;
    const wrong = { ...first, potentials: first.potentials.map((value, i) => (i === 3 ? value + 1 : value)) };
    expect(await openEngineTrace(graph, [wrong, ...others], MANY)).toBeNull();
  });
});

describe('golden inputs of a large network', () => {
  const expected = goldenCases(graph);

  it('have the interpreter’s potentials, whoever computed them', async () => {
    expect(await goldenOf(graph, { large: 0 })).toEqual(expected);
  });

  it('are the interpreter’s alone where the engine makes a single byte of a tensor otherwise', async () => {
    const last = graph.nodes[graph.nodes.length - 1].name;
    const asked: Uint8Array[] = [];
    const wrong: Tracer = {
      trace: (image) => {
        asked.push(image);
        const { tensors, ...rest } = interpret(graph, image);
        const changed = tensors.get(last)?.map((value, i) => (i === 3 ? value ^ 1 : value));
        return { ...rest, tensors: new Map([...tensors, [last, changed ?? new Uint8Array()]]) };
      },
      close: async () => {},
    };
    expect(await goldenOf(graph, { large: 0, open: () => wrong })).toEqual(expected);
    expect(asked).toHaveLength(1);
  });

  it('are the interpreter’s where there is no engine, and of a small network', async () => {
    expect(await goldenOf(graph, { large: 0, open: () => null })).toEqual(expected);
    const untouched = () => expect.unreachable('a small network needs no engine');
    expect(await goldenOf(graph, { large: Number.POSITIVE_INFINITY, open: untouched })).toEqual(expected);
  });
});
