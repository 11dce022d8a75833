import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const PATIENCE = 8_000;

/** What a program printed, or null when it is not installed, fails or does not end in time. */
export async function outputOf(command: string, ...args: string[]): Promise<string | null> {
  return promisify(execFile)(command, args, { timeout: PATIENCE, killSignal: 'SIGKILL' }).then(
    ({ stdout, stderr }) => stdout || stderr,
    () => null,
  );
}
