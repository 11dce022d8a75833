import type { IntegerGraph } from '../../src/model/graph.ts';
import { type Interpretation, interpret } from '../../src/model/interpreter/interpreter.ts';
import type { NativeAddon } from '../../src/native/addon.ts';
import { INSTRUCTION_SETS, type InstructionSet } from '../../src/runtime/engine/contract.ts';
import { firstDifference } from './native-trace.ts';

/** The instruction sets of this processor, under their types. */
export function instructionSetsOf(addon: NativeAddon): InstructionSet[] {
  const available = addon.instructionSets();
  return INSTRUCTION_SETS.filter((set) => available.includes(set));
}

/**
 * Runs every input on the interpreter and on the engine with every instruction set: tensor by tensor in memory of
 * its own, and potentials and embeddings as a batch in shared memory. Says what differs first, or null.
 */
export async function differenceOnAnySet(
  addon: NativeAddon,
  graph: IntegerGraph,
  inputs: readonly Uint8Array[],
  threads = 1,
): Promise<string | null> {
  const expected = inputs.map((input) => interpret(graph, input));
  return differenceFrom(addon, graph, inputs, expected, threads);
}

/** The same where it is known what the interpreter says, input by input. */
export async function differenceFrom(
  addon: NativeAddon,
  graph: IntegerGraph,
  inputs: readonly Uint8Array[],
  expected: readonly Interpretation[],
  threads: number,
): Promise<string | null> {
  for (const instructionSet of instructionSetsOf(addon)) {
    const traced = addon.createEngine(graph, { instructionSet, keepTensors: true });
    for (const [i, input] of inputs.entries()) {
      const difference = firstDifference(graph, expected[i], traced.trace(input));
      if (difference !== null) return `${instructionSet}, input ${i}: ${difference}`;
    }
    const engine = addon.createEngine(graph, { instructionSet, threads });
    const { potentials, embeddings } = await engine.infer(Buffer.concat(inputs));
    const samePotentials = expected
      .flatMap((one) => [...one.potentials])
      .every((potential, i) => potential === potentials[i]);
    const sameEmbeddings = Buffer.concat(expected.map(({ embedding }) => embedding)).equals(embeddings);
    await Promise.all([traced.close(), engine.close()]);
    if (!samePotentials || !sameEmbeddings) return `${instructionSet}: right alone, wrong in shared memory`;
  }
  return null;
}
