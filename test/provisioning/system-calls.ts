/** What a unit's SystemCallFilter= allows, as systemd reads it. */
import { execFileSync } from 'node:child_process';

/** The unit's settings of one name, in their order. */
export function settingsOf(unit: string, name: string): string[] {
  return unit
    .split('\n')
    .filter((line) => line.startsWith(`${name}=`))
    .map((line) => line.slice(name.length + 1).trim());
}

/** Names of the system calls that a filter allows, the groups (`@…`) of the installed systemd expanded. */
export function allowedCalls(unit: string): Set<string> {
  const allowed = new Set(members('@default'));
  for (const setting of settingsOf(unit, 'SystemCallFilter')) {
    const denies = setting.startsWith('~');
    for (const name of setting.replace('~', '').split(/\s+/).flatMap(members)) {
      if (denies) allowed.delete(name);
      else allowed.add(name);
    }
  }
  return allowed;
}

function members(name: string): string[] {
  if (!name.startsWith('@')) return [name];
  const output = execFileSync('systemd-analyze', ['syscall-filter', name], {
    encoding: 'utf8',
    env: { ...process.env, SYSTEMD_PAGER: '', SYSTEMD_COLORS: '0' },
  });
  return output
    .split('\n')
    .slice(1)
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'))
    .flatMap(members);
}

/** Numbers of system calls by name, as this machine's or another's headers (`folder`) have them. */
export function callNumbers(compiler = 'cc'): Map<string, number> {
  const output = execFileSync(compiler, ['-dM', '-E', '-include', 'asm/unistd.h', '-x', 'c', '/dev/null'], {
    encoding: 'utf8',
  });
  const macros = new Map(
    [...output.matchAll(/^#define (__NR\w+) (.+)$/gm)].map(([, name, value]) => [name, value]),
  );
  const calls = new Map<string, number>();
  for (const name of macros.keys()) {
    const number = resolved(name, macros);
    if (name.startsWith('__NR_') && number !== null) calls.set(name.slice('__NR_'.length), number);
  }
  return calls;
}

/** Some headers name one macro by another. */
function resolved(name: string, macros: ReadonlyMap<string, string>): number | null {
  const value = macros.get(name);
  if (value === undefined) return null;
  return /^\d+$/.test(value) ? Number(value) : resolved(value, macros);
}
