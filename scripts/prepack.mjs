/** What `npm pack` needs: JavaScript and declarations with nothing left of sources that are gone, and the addons. */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { PAGE } from './build-page.mjs';
import { prebuild } from './prebuild.mjs';
import { compile } from './prepare.mjs';
import { asScript, root } from './support/programs.mjs';

function removeOrphans() {
  for (const name of readdirSync(path.join(root, 'dist'), { recursive: true, encoding: 'utf8' })) {
    const source = name.replace(/(\.d\.ts|\.js)(\.map)?$/, '.ts');
    const isCompiled = source !== name && !path.join(root, 'dist', name).startsWith(PAGE);
    if (isCompiled && !existsSync(path.join(root, 'src', source))) rmSync(path.join(root, 'dist', name));
  }
}

await asScript(import.meta.url, () => {
  compile();
  removeOrphans();
  prebuild();
});
