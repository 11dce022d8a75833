import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** `script`, of Debian's bsdutils, gives a program a terminal. */
export const hasTerminal = existsSync('/usr/bin/script');

export interface Terminal {
  /** What has appeared so far, without colours, in lines that end as in files. */
  shown(): string;
  /** The same as it came. */
  raw(): string;
  type(keys: string): void;
  kill(): void;
  readonly ended: Promise<number | null>;
}

export interface TerminalKind {
  readonly columns?: number;
  readonly TERM?: string;
  readonly LC_ALL?: string;
}

/** `spikescope run`, compiled, on a terminal of its own. @param args without blanks and quotes */
export function runOnTerminal(
  args: readonly string[],
  { columns = 100, ...variables }: TerminalKind = {},
): Terminal {
  const program = [process.execPath, 'bin/spikescope.mjs', 'run', ...args].join(' ');
  const command = `stty cols ${columns} && exec ${program}`;
  const { NO_COLOR: _, FORCE_COLOR: __, ...inherited } = process.env;
  const env = { ...inherited, TERM: 'xterm', ...variables };
  const child = spawn('/usr/bin/script', ['-qefc', command, '/dev/null'], { stdio: 'pipe', env });
  let shown = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
    });
  }
  return {
    raw: () => shown,
    shown: () => stripVTControlCharacters(shown).replaceAll('\r', ''),
    type: (keys) => child.stdin.write(keys),
    kill: () => child.kill(),
    ended: once(child, 'close').then(([exitCode]) => exitCode),
  };
}
