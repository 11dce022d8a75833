import { Command } from 'commander';
import { DEFAULT_MODEL, openModel } from '../runtime/open-model.ts';
import { printJson } from './console.ts';
import { documentOf } from './inspect/document.ts';
import { printInspection } from './inspect/text.ts';

/** `spikescope inspect`: what is in a bundle, after its golden inputs were reproduced on this machine's engine. */
export function inspectCommand(): Command {
  return new Command('inspect')
    .description('Show what is in a bundle: layers, placement, sizes, readout, card')
    .argument('[bundle]', 'model bundle (default: the one that ships in models/)')
    .option('--json', 'one JSON document on stdout')
    .action(async (file: string = DEFAULT_MODEL, { json = false }: { json?: boolean } = {}) => {
      const { bundle, engine } = await openModel(file);
      try {
        const document = documentOf(file, bundle, engine);
        if (json) printJson(document);
        else printInspection(document);
      } finally {
        await engine.close();
      }
    });
}
