/** The program of a card for a graph: image in, embedding out. */
import { compileForAkida1 } from '../../../src/conversion/akida1/compile.ts';
import { networkOf } from '../../../src/conversion/akida1/network.ts';
import { programOf } from '../../../src/conversion/akida1/program.ts';
import type { IntegerGraph } from '../../../src/model/graph.ts';
import type { DeviceProgram } from '../../../src/runtime/engine/contract.ts';

/** @param python an interpreter with the vendor's compiler */
export async function backboneProgram(graph: IntegerGraph, python: string): Promise<DeviceProgram> {
  const layers = networkOf(graph, programOf(graph)).slice(0, -1);
  const { files } = await compileForAkida1(layers, 'akd1000', python);
  const part = (name: string) => {
    const bytes = files.get(name);
    if (bytes === undefined) throw new Error(`The compiler wrote no ${name}`);
    return new Uint8Array(bytes);
  };
  return { info: part('program-info.bin'), data: part('program-data.bin') };
}
