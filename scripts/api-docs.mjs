/**
 * Writes the pages of the public API into docs/api, from the docstrings. Its tools lie apart, in scripts/api-docs, and are
 * installed when they are missing. A warning, such as an export without a docstring, fails.
 */
import { existsSync } from 'node:fs';
import path from 'node:path';
import { asScript, execute, root, say } from './support/programs.mjs';

const folder = path.join(root, 'scripts/api-docs');
const typedoc = path.join(folder, 'node_modules/.bin/typedoc');

await asScript(import.meta.url, async () => {
  if (!existsSync(typedoc)) {
    say('spikescope: installing what writes the API pages');
    execute('npm', ['ci', '--prefix', folder, '--no-audit', '--no-fund']);
  }
  execute(typedoc, ['--options', path.join(folder, 'typedoc.json')]);
});
