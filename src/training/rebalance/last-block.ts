import { type Architecture, layerInputs } from '../../model/architecture/architecture.ts';

/**
 * The layers from the last block on: everything behind the last pool but one, the head included. A network with fewer
 * pools is one block.
 * @returns their names
 */
export function lastBlock({ layers }: Architecture): ReadonlySet<string> {
  const pools = layers.filter(({ op }) => op === 'averagePool' || op === 'maxPool');
  const start = pools.at(-2)?.name;
  const behind = new Set(start === undefined ? layers.map(({ name }) => name) : []);
  for (const layer of layers) {
    if (layerInputs(layer).some((input) => input === start || behind.has(input))) behind.add(layer.name);
  }
  return behind;
}
