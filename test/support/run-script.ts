import { spawn } from 'node:child_process';

export interface ScriptRun {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a script of scripts/ as a person would, without a terminal. */
export async function runScript(script: string, ...args: string[]): Promise<ScriptRun> {
  const child = spawn(process.execPath, [script, ...args], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (piece) => {
    output.stdout += piece;
  });
  child.stderr.on('data', (piece) => {
    output.stderr += piece;
  });
  const status = await new Promise<number | null>((resolve) => child.once('close', resolve));
  return { status, ...output };
}
