import { readFileSync } from 'node:fs';
import { Command, CommanderError } from 'commander';
import { z } from 'zod';
import { describeError, EXIT, SpikescopeError } from '../errors.ts';
import { faultOfOutput, note, watchReader } from '../ui/terminal/console.ts';
import { type CommandName, examplesHelp } from './examples.ts';
import { commandOrExcuse } from './missing-part.ts';

/** Loaded on demand: a device that runs `run` reads none of the workstation's code. */
export const COMMANDS: Readonly<Record<CommandName, () => Promise<Command>>> = {
  run: async () => (await import('./run/run.ts')).runCommand(),
  classify: async () => (await import('./classify/classify.ts')).classifyCommand(),
  convert: async () => (await import('./convert/convert.ts')).convertCommand(),
  export: async () => (await import('./export/export.ts')).exportCommand(),
  inspect: async () => (await import('./inspect/inspect.ts')).inspectCommand(),
  calibrate: async () => (await import('./calibrate/calibrate.ts')).calibrateCommand(),
  evaluate: async () => (await import('./evaluate/evaluate.ts')).evaluateCommand(),
  train: async () => (await import('./train/train.ts')).trainCommand(),
  average: async () => (await import('./average/average.ts')).averageCommand(),
  balance: async () => (await import('./balance/balance.ts')).balanceCommand(),
  ablation: async () => (await import('./ablation/ablation.ts')).ablationCommand(),
  sites: async () => (await import('./sites/sites.ts')).sitesCommand(),
  provision: async () => (await import('./provision/provision.ts')).provisionCommand(),
  journal: async () => (await import('./journal/journal.ts')).journalCommand(),
  doctor: async () => (await import('./doctor/doctor.ts')).doctorCommand(),
  bench: async () => (await import('./bench/bench.ts')).benchCommand(),
};

function version(): string {
  const manifest: unknown = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
  return z.object({ version: z.string() }).parse(manifest).version;
}

/** A command, and those below it, that throw where commander would end the process with an exit code of its own. */
function inOurHands(command: Command): Command {
  for (const below of command.commands) inOurHands(below);
  return command.showHelpAfterError('(add --help for the options)').exitOverride();
}

function isCommandName(word: string): word is CommandName {
  return Object.hasOwn(COMMANDS, word);
}

async function program(argv: readonly string[]): Promise<Command> {
  const root = new Command('spikescope')
    .description('Reads skin lesions with an integer spiking network, on the device. Not a medical device.')
    .version(version())
    .enablePositionalOptions()
    .exitOverride();
  const wanted = argv.find(isCommandName);
  for (const name of wanted === undefined ? Object.keys(COMMANDS).filter(isCommandName) : [wanted]) {
    const command = await commandOrExcuse(name, COMMANDS[name]);
    root.addCommand(inOurHands(command).addHelpText('after', examplesHelp(name)));
  }
  return root;
}

/** Runs the command line and returns the exit code: 0 done, 1 failed, 2 wrong usage, 3 refused. */
export async function main(argv: readonly string[]): Promise<number> {
  watchReader();
  try {
    const root = await program(argv);
    if (argv.length === 0) root.help({ error: true });
    await root.parseAsync([...argv], { from: 'user' });
    return faultOfOutput()?.exitCode ?? Number(process.exitCode ?? EXIT.done);
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.done : EXIT.usage;
    note(describeError(error));
    return error instanceof SpikescopeError ? error.exitCode : EXIT.failed;
  }
}
