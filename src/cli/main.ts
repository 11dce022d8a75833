import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { EXIT, SpikescopeError } from '../errors.ts';
import { describeError, note } from './console.ts';

const manifest: { version: string } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
);

function program(): Command {
  const root = new Command('spikescope')
    .description('Reads skin lesions with an integer spiking network, on the device. Not a medical device.')
    .version(manifest.version)
    .showHelpAfterError('(add --help for the options)')
    .configureHelp({ showGlobalOptions: true });
  root.exitOverride();
  for (const command of root.commands) command.exitOverride();
  return root;
}

/** Runs the command line and returns the exit code: 0 done, 1 failed, 2 wrong usage, 3 refused. */
export async function main(argv: readonly string[]): Promise<number> {
  try {
    await program().parseAsync([...argv], { from: 'user' });
    return process.exitCode === undefined ? EXIT.done : Number(process.exitCode);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    note(describeError(error));
    return error instanceof SpikescopeError ? error.exitCode : EXIT.failed;
  }
}
