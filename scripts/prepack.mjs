/** What `npm pack` needs: JavaScript and declarations compiled afresh, so that nothing of earlier sources is left, and addons. */
import { rmSync } from 'node:fs';
import path from 'node:path';
import { prebuild } from './prebuild.mjs';
import { compile } from './prepare.mjs';
import { asScript, root } from './support/programs.mjs';

await asScript(import.meta.url, () => {
  rmSync(path.join(root, 'dist'), { recursive: true, force: true });
  compile();
  prebuild();
});
