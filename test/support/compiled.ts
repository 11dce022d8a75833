import { existsSync } from 'node:fs';
import { pathToFileURL } from 'node:url';

/**
 * A module of the compiled program, for tests that need it in a process of its own. `npm test` compiles first; after
 * a change to the sources, `npm run build` does.
 */
export function compiled(module: string): URL {
  const file = `${process.cwd()}/dist/${module}`;
  if (!existsSync(file)) throw new Error(`${file} is missing: type npm run build`);
  return pathToFileURL(file);
}
