import type { Command } from 'commander';
import { vi } from 'vitest';
import { SpikescopeError } from '../../src/errors.ts';

export interface CommandRun {
  /** What the command asks the process to exit with. */
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
  /** The fault that ended the command, if one did. */
  readonly fault: SpikescopeError | null;
}

/** Runs one command of the command line within this process, as `main` would. */
export async function runCommand(command: Command, argv: readonly string[]): Promise<CommandRun> {
  const output = { stdout: '', stderr: '' };
  const capture = (stream: 'stdout' | 'stderr') =>
    vi.spyOn(process[stream], 'write').mockImplementation((chunk) => {
      output[stream] += String(chunk);
      return true;
    });
  const spies = [capture('stdout'), capture('stderr')];
  const before = process.exitCode;
  process.exitCode = undefined;
  try {
    await command.exitOverride().parseAsync([...argv], { from: 'user' });
    return { ...output, exitCode: Number(process.exitCode ?? 0), fault: null };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return { ...output, exitCode: error.exitCode, fault: error };
  } finally {
    process.exitCode = before;
    for (const spy of spies) spy.mockRestore();
  }
}
