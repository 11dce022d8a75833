/** The vendor's simulator beside the interpreter, layer by layer. */
import { simulateAkida1 } from '../../src/conversion/akida1/compile.ts';
import { chipLayersOf } from '../../src/conversion/akida1/layers.ts';
import { type NetworkLayer, networkOf } from '../../src/conversion/akida1/network.ts';
import { programOf } from '../../src/conversion/akida1/program.ts';
import { compilerPython } from '../../src/conversion/akida1/python.ts';
import { SpikescopeError } from '../../src/errors.ts';
import type { IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { nativeAddon } from '../../src/native/addon.ts';

/** An interpreter with the vendor's packages; null where none can be had here. */
export async function pythonOrNull(cache: string): Promise<string | null> {
  try {
    return await compilerPython(cache);
  } catch (error) {
    if (error instanceof SpikescopeError && error.code.startsWith('AKIDA_P')) return null;
    throw error;
  }
}

/** What this project computes for an image: every tensor by name, and the potentials. */
export type Oracle = (image: Uint8Array) => {
  readonly tensors: ReadonlyMap<string, Uint8Array>;
  readonly potentials: Int32Array;
};

/** The judge. */
export const interpreted =
  (graph: IntegerGraph): Oracle =>
  (image) =>
    interpret(graph, image);

/** The engine, where the interpreter would take too long; what it makes of some images is to be held to the interpreter. */
export function traced(graph: IntegerGraph): { readonly oracle: Oracle; close(): Promise<void> } {
  const engine = nativeAddon().createEngine(graph, { keepTensors: true });
  const oracle: Oracle = (image) => {
    const { tensors, potentials } = engine.trace(image);
    return { tensors: new Map(Object.entries(tensors)), potentials };
  };
  return { oracle, close: () => engine.close() };
}

/** Values that differ, of each layer by its name; the head's are potentials. */
export type Differences = Readonly<Record<string, number>>;

/** Images that go through the simulator at once: their values are in memory together. */
const BATCH = 100;

/** `change`: what a mutant does to the network that the simulator gets. */
export async function differencesOf(
  graph: IntegerGraph,
  images: readonly Uint8Array[],
  python: string,
  change: (layers: NetworkLayer[]) => readonly NetworkLayer[] = (layers) => layers,
  oracle = interpreted(graph),
): Promise<Differences> {
  const program = programOf(graph);
  const layers = change(networkOf(graph, program));
  const makers = chipLayersOf(graph).map(({ node, pool }) => ({
    name: node.name,
    kept: (pool ?? node).name,
  }));
  const differences: Record<string, number> = {};
  for (let first = 0; first < images.length; first += BATCH) {
    const batch = images.slice(first, first + BATCH);
    const simulated = await simulateAkida1(layers, batch, python);
    let at = 0;
    const compare = (name: string, values: Uint8Array | Int32Array) => {
      let found = 0;
      for (let i = 0; i < values.length; i++) if (values[i] !== simulated[at + i]) found++;
      differences[name] = (differences[name] ?? 0) + found;
      at += values.length;
    };
    for (const image of batch) {
      const { tensors, potentials } = oracle(image);
      for (const { name, kept } of makers) {
        const values = tensors.get(kept);
        if (values === undefined) throw new Error(`No ${kept} was kept`);
        compare(name, values);
      }
      compare(
        'head',
        potentials.map((potential, i) => potential + program.shifts[i]),
      );
    }
    if (at !== simulated.length) throw new Error(`${simulated.length} simulated values, not ${at}`);
  }
  return differences;
}
