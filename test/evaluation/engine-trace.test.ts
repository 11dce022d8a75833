/** The engine in the interpreter's place, for holding large integer graphs against their float graphs. */
import { describe, expect, it } from 'vitest';
import { openEngineTrace } from '../../src/evaluation/engine-trace.ts';
import { readBundle } from '../../src/model/bundle/read.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { modelFile } from '../../src/runtime/engine/shipped-models.ts';

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
