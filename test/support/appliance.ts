import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createInterface } from 'node:readline';

export interface Appliance {
  readonly pid: number;
  /** Lines of stdout so far. */
  readonly lines: readonly string[];
  /** Resolved when `count` lines have come, or the process has ended. */
  untilLines(count: number): Promise<void>;
  stderr(): string;
  /** Resident memory, kB; undefined once the process has ended. */
  residentKilobytes(): number | undefined;
  kill(signal: NodeJS.Signals): void;
  /** Resolved when the process has ended and its output is complete. */
  readonly ended: Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>;
}

/**
 * `spikescope run`, compiled, in a process of its own. `onLine` is called with the number of lines so far.
 * @param through a command that runs it, with its arguments, in the same process
 */
export function startAppliance(
  args: readonly string[],
  onLine: (count: number) => void = () => {},
  environment: Readonly<Record<string, string>> = {},
  through: readonly string[] = [],
): Appliance {
  const [program, ...before] = [...through, process.execPath];
  const child = spawn(program, [...before, 'bin/spikescope.mjs', 'run', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...environment },
  });
  const { pid } = child;
  if (pid === undefined) throw new Error('the process did not start');
  const lines: string[] = [];
  let stderr = '';
  let changed = () => {};
  child.stderr.on('data', (chunk: Buffer) => {
    stderr += chunk.toString();
  });
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    lines.push(line);
    onLine(lines.length);
    changed();
  });
  const ended = Promise.all([once(child, 'close'), once(reader, 'close')]).then(([[exitCode, signal]]) => {
    changed();
    return { exitCode, signal };
  });
  return {
    pid,
    lines,
    ended,
    stderr: () => stderr,
    async untilLines(count) {
      let isRunning = true;
      void ended.then(() => {
        isRunning = false;
        changed();
      });
      while (lines.length < count && isRunning) {
        await new Promise<void>((resolve) => {
          changed = resolve;
        });
      }
    },
    residentKilobytes() {
      try {
        const status = readFileSync(`/proc/${pid}/status`, 'utf8');
        const match = /^VmRSS:\s+(\d+) kB/m.exec(status);
        return match ? Number(match[1]) : undefined;
      } catch {
        return undefined;
      }
    },
    kill: (signal) => child.kill(signal),
  };
}
