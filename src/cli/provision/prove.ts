import { Command } from 'commander';
import { z } from 'zod';
import { EXIT, UsageError } from '../../errors.ts';
import { modelFile } from '../../runtime/engine/shipped-models.ts';
import { type Demands, demandsSchema } from '../../runtime/proof/protocol.ts';
import { proveBundle } from '../../runtime/proof/prove-bundle.ts';
import { firstIssue } from '../../schema.ts';
import { print, printJson } from '../../ui/terminal/console.ts';
import type { ProofItem } from '../../updates/install/contract.ts';
import { parseOptions } from '../shared/options.ts';
import { json } from './options.ts';

const optionsSchema = z.object({
  current: z.string().min(1).optional(),
  data: z.string().min(1).optional(),
  demands: z.string().max(100_000).default('{}'),
  json: z.boolean().default(false),
});

/** The process in which `provision install` has a model proven; by hand it shows what that would say. */
export function proveCommand(): Command {
  return new Command('prove')
    .description('Prove a model on this very device, as an installation does before it is used')
    .argument('<file>', 'model bundle, or the name of one that ships')
    .option('--current <bundle>', 'the model in use, which it is compared with')
    .option('--data <folder>', 'data folder, of which what was learned is read (default: none)')
    .option('--demands <json>', 'what a release asks: {"proof": {…}, "learning": "refit"}')
    .addOption(json())
    .action(async (file: string, raw: unknown) => {
      const options = parseOptions(optionsSchema, raw);
      const current = options.current === undefined ? null : modelFile(options.current);
      const job = {
        ...{ file: modelFile(file), current, data: options.data ?? null },
        demands: demandsOf(options.demands),
      };
      let isProven = true;
      await proveBundle(job, (line) => {
        if ('item' in line && !line.item.passed) isProven = false;
        if (options.json) printJson(line);
        else if ('item' in line) print(textOf(line.item));
      });
      if (!isProven) process.exitCode = EXIT.refused;
    });
}

function demandsOf(text: string): Demands {
  const refused = (received: string) =>
    new UsageError('PROOF_DEMANDS', 'What the proof is held to cannot be read', {
      field: '--demands',
      expected: 'JSON such as {"proof": {"balancedAccuracy": 0.6, "latency": 40}}',
      received,
    });
  try {
    const parsed = demandsSchema.safeParse(JSON.parse(text));
    if (parsed.success) return parsed.data;
    const { field, problem } = firstIssue(parsed.error);
    throw refused(`${field}: ${problem}`);
  } catch (error) {
    if (error instanceof UsageError) throw error;
    throw refused('text that is no JSON');
  }
}

function textOf({ name, passed, measured, required }: ProofItem): string {
  const figure = measured === null ? '' : ` ${Math.round(10_000 * measured) / 10_000}`;
  return `${passed ? 'passed' : 'FAILED'}  ${name}${figure}: ${required}`;
}
