/** The vendor's simulator beside the interpreter, layer by layer. */
import { simulateAkida1 } from '../../src/conversion/akida1/compile.ts';
import { chipLayersOf } from '../../src/conversion/akida1/layers.ts';
import { type NetworkLayer, networkOf } from '../../src/conversion/akida1/network.ts';
import { programOf } from '../../src/conversion/akida1/program.ts';
import { compilerPython } from '../../src/conversion/akida1/python.ts';
import { SpikescopeError } from '../../src/errors.ts';
import { elementCount, type IntegerGraph } from '../../src/model/graph.ts';
import { interpret } from '../../src/model/interpreter/interpreter.ts';
import { Random } from './random.ts';

/** An interpreter with the vendor's packages; null where none can be had here. */
export async function pythonOrNull(cache: string): Promise<string | null> {
  try {
    return await compilerPython(cache);
  } catch (error) {
    if (error instanceof SpikescopeError && error.code.startsWith('AKIDA_P')) return null;
    throw error;
  }
}

/** Values that differ, of each layer by its name; the head's are potentials. */
export type Differences = Readonly<Record<string, number>>;

/** `change`: what a mutant does to the network that the simulator gets. */
export async function differencesOf(
  graph: IntegerGraph,
  images: readonly Uint8Array[],
  python: string,
  change: (layers: NetworkLayer[]) => readonly NetworkLayer[] = (layers) => layers,
): Promise<Differences> {
  const program = programOf(graph);
  const simulated = await simulateAkida1(change(networkOf(graph, program)), images, python);
  const differences: Record<string, number> = {};
  let at = 0;
  for (const image of images) {
    const { tensors, potentials } = interpret(graph, image);
    const expected = chipLayersOf(graph).map(({ node, pool }) => {
      const values = tensors.get((pool ?? node).name);
      if (values === undefined) throw new Error(`The interpreter kept no ${node.name}`);
      return { name: node.name, values: Int32Array.from(values) };
    });
    const raw = potentials.map((potential, i) => potential + program.shifts[i]);
    for (const { name, values } of [...expected, { name: 'head', values: raw }]) {
      const found = values.reduce((sum, value, i) => sum + (value === simulated[at + i] ? 0 : 1), 0);
      differences[name] = (differences[name] ?? 0) + found;
      at += values.length;
    }
  }
  if (at !== simulated.length) throw new Error(`${simulated.length} simulated values, not ${at}`);
  return differences;
}

/** Noise, all 0, all 255, and edges that run every way: a border on each side, a checkerboard, one bright pixel. */
export function trialImages({ input: { shape } }: IntegerGraph, noise: number, seed = 1): Uint8Array[] {
  const random = new Random(seed);
  const size = elementCount(shape);
  const [height, width, channels] = shape;
  const drawn = (value: (y: number, x: number, c: number) => number) =>
    Uint8Array.from({ length: size }, (_, i) => {
      const pixel = Math.floor(i / channels);
      return value(Math.floor(pixel / width), pixel % width, i % channels);
    });
  return [
    ...Array.from({ length: noise }, () => random.bytes(size)),
    new Uint8Array(size),
    new Uint8Array(size).fill(255),
    drawn((y) => (y < height / 2 ? 0 : 255)),
    drawn((_, x) => (x < width / 2 ? 255 : 0)),
    drawn((y, x) => (y === 0 || x === 0 || y === height - 1 || x === width - 1 ? 255 : 0)),
    drawn((y, x, c) => ((y + x + c) % 2) * 255),
    drawn((y, x, c) => (y === 3 && x === width - 2 && c === 1 ? 255 : 0)),
  ];
}
