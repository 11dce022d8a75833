import { SpikescopeError } from '../../errors.ts';
import { readChoiceFigures } from '../../model/bundle/choice-figures.ts';
import { readBundle } from '../../model/bundle/read.ts';
import { sumOfMultiplyAdds } from '../../model/cost.ts';
import { modelFile, shippedModels } from '../../runtime/engine/shipped-models.ts';
import { percent } from '../../ui/terminal/layout.ts';
import type { Check } from './check.ts';

/** The bundles that there are to choose from, with what is known of each. */
export const checkModels: Check = async ({ model }) => {
  try {
    const choices: string[] = [];
    for (const name of shippedModels()) choices.push(await choice(name, model));
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
  const figures = await readChoiceFigures(file, digest);
  const { cortexA76, validation, corruption } = figures ?? {};
  return [
    file === inUse ? `${name} (in use)` : name,
    `${preprocessing.width}×${preprocessing.height}`,
    `${(sumOfMultiplyAdds(graph.nodes) / 1e6).toFixed(0)} M multiply-adds`,
    ...(cortexA76 ? [`about ${cortexA76.milliseconds.toFixed(2)} ms on a Raspberry Pi 5 (estimate)`] : []),
    ...(validation
      ? [`validation top-1 ${percent(validation.top1)}, F1 ${percent(validation.macroF1)}`]
      : []),
    ...(corruption ? [`loses ${(corruption.top1Lost * 100).toFixed(1)} points when corrupted`] : []),
  ].join(', ');
}
