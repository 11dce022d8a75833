/** Commands whose packages are not installed here: a device has those of its own commands only. */
import { Command } from 'commander';
import { SpikescopeError } from '../errors.ts';

/** The package that an import did not find, or null where the error is another. */
function missingPackage(error: unknown): string | null {
  const isMissing = error instanceof Error && 'code' in error && error.code === 'ERR_MODULE_NOT_FOUND';
  return isMissing ? (/^Cannot find package '([^']+)'/.exec(error.message)?.at(1) ?? null) : null;
}

/**
 * The command, or where a package of it is missing one that says so.
 * @param load imports the command's module
 */
export async function commandOrExcuse(name: string, load: () => Promise<Command>): Promise<Command> {
  try {
    return await load();
  } catch (cause) {
    const missing = missingPackage(cause);
    if (missing === null) throw cause;
    return new Command(name)
      .description(`A workstation's; the package ${missing} is not installed here`)
      .allowUnknownOption()
      .allowExcessArguments()
      .action(() => {
        throw new SpikescopeError('PART_MISSING', `The command \`${name}\` lacks a package`, {
          expected: missing,
          remedy: `npm install ${missing}`,
          cause,
        });
      });
  }
}
