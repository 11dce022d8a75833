import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { stripVTControlCharacters } from 'node:util';

/** `script`, of Debian's bsdutils, gives a program a terminal. */
export const hasTerminal = existsSync('/usr/bin/script');

export interface Terminal {
  /** What has appeared so far, without colours, in lines that end as in files. */
  shown(): string;
  type(keys: string): void;
  kill(): void;
  readonly ended: Promise<number | null>;
}

/** `spikescope run`, compiled, on a terminal of its own. @param args without blanks and quotes */
export function runOnTerminal(args: readonly string[]): Terminal {
  const command = [process.execPath, 'bin/spikescope.mjs', 'run', ...args].join(' ');
  const child = spawn('/usr/bin/script', ['-qefc', command, '/dev/null'], { stdio: 'pipe' });
  let shown = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      shown += chunk.toString();
    });
  }
  return {
    shown: () => stripVTControlCharacters(shown).replaceAll('\r', ''),
    type: (keys) => child.stdin.write(keys),
    kill: () => child.kill(),
    ended: once(child, 'close').then(([exitCode]) => exitCode),
  };
}
