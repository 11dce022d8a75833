import path from 'node:path';
import { SpikescopeError } from '../../errors.ts';
import { readChoiceFigures } from '../../model/bundle/choice-figures.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { multiplyAddsOf } from '../../model/cost.ts';
import { modelFile, shippedModels } from '../../runtime/engine/shipped-models.ts';
import type { Check } from './check.ts';

/** The bundles that there are to choose from, with what is known of each. */
export const checkModels: Check = async ({ model }) => {
  try {
    const choices: string[] = [];
    for (const name of shippedModels()) choices.push(await choice(name, modelFile(model)));
    return { part: 'models', state: 'works', detail: choices.join('; ') };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    const { remedy = 'install spikescope again' } = error.details;
    return { part: 'models', state: 'broken', detail: `${error.message} [${error.code}]`, remedy };
  }
};

async function choice(name: string, inUse: string): Promise<string> {
  const file = modelFile(name);
  const { graph, digest, preprocessing } = await readBundle(file);
  const multiplyAdds = graph.nodes.reduce((sum, node) => sum + multiplyAddsOf(node), 0);
  const figures = await readChoiceFigures(file, digest);
  const { cortexA76, validation } = figures ?? {};
  return [
    path.resolve(file) === path.resolve(inUse) ? `${name} (in use)` : name,
    `${preprocessing.width}×${preprocessing.height}`,
    `${(multiplyAdds / 1e6).toFixed(0)} M multiply-adds`,
    ...(cortexA76 ? [`about ${cortexA76.milliseconds.toFixed(2)} ms on a Raspberry Pi 5 (estimate)`] : []),
    ...(validation
      ? [`validation top-1 ${percent(validation.top1)}, F1 ${percent(validation.macroF1)}`]
      : []),
  ].join(', ');
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
