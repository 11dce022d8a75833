/** What Akida 1.0 is given for the graph, where the bundle was made for it: proven equal to the graph's requantisations. */
import { z } from 'zod';
import type { IntegerGraph } from '../graph.ts';
import { ARRAYS } from './arrays.ts';
import { text } from './fields.ts';

const MAXIMUM_LAYERS = 4096;

/** Steps are counted in sixteenths of a potential: the chip keeps four fraction bits. */
export const STEPS_PER_POTENTIAL = 16;

/** `threshold` and `step` as in `src/conversion/akida1/activation.ts`, one of each per output channel. */
const layerSchema = z.strictObject({
  name: text(256),
  thresholds: ARRAYS.int32,
  /** In sixteenths of a potential. */
  steps: ARRAYS.int32,
});

export const akida1Schema = z.strictObject({
  layers: z.array(layerSchema).max(MAXIMUM_LAYERS).readonly(),
  /** Per class: our potential = the chip's − shift. */
  shifts: ARRAYS.int32,
});
export type Akida1Section = z.infer<typeof akida1Schema>;
export type Akida1Layer = z.infer<typeof layerSchema>;

/** What of the section does not fit the graph, in words; null where all of it does. */
export function akida1Problem({ layers, shifts }: Akida1Section, graph: IntegerGraph): string | null {
  if (shifts.length !== graph.classes.length) {
    return `${shifts.length} shifts for ${graph.classes.length} classes`;
  }
  const channels = new Map(
    graph.nodes.flatMap((node) => ('bias' in node ? [[node.name, node.bias.length] as const] : [])),
  );
  const strange = layers.find(({ name, thresholds, steps }) =>
    [thresholds, steps].some(({ length }) => length !== channels.get(name)),
  );
  return strange === undefined
    ? null
    : `thresholds and steps of ${strange.name}, which the graph has otherwise`;
}
