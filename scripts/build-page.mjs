/**
 * Builds the page of the screen into dist/ui/web/page: one script, one style sheet, the messages of each language, and the
 * licences of what was put into the script. Nothing of it is loaded from elsewhere.
 */
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';
import { asScript, root, say } from './support/programs.mjs';

const SOURCE = path.join(root, 'src/ui/web/page');
export const PAGE = path.join(root, 'dist/ui/web/page');
/** Bytes of all scripts together, compressed: what a handheld's processor reads at a start stays little. */
export const SCRIPT_LIMIT = 60_000;

/** @returns {Promise<number>} bytes of the script, compressed */
export async function buildPage() {
  rmSync(PAGE, { recursive: true, force: true });
  const { metafile } = await build({
    entryPoints: [
      { in: path.join(SOURCE, 'main.tsx'), out: 'page' },
      { in: path.join(SOURCE, 'styles/styles.css'), out: 'page' },
    ],
    outdir: PAGE,
    bundle: true,
    minify: true,
    format: 'esm',
    target: ['chrome111', 'safari16.4'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'warning',
    metafile: true,
    absWorkingDir: root,
  });
  copyFileSync(path.join(SOURCE, 'index.html'), path.join(PAGE, 'index.html'));
  copyFileSync(path.join(SOURCE, 'icon.svg'), path.join(PAGE, 'icon.svg'));
  copyMessages();
  writeFileSync(path.join(PAGE, 'licences.txt'), licencesOf(Object.keys(metafile.inputs)));
  const size = gzipSync(readFileSync(path.join(PAGE, 'page.js')), { level: 9 }).length;
  if (size > SCRIPT_LIMIT)
    throw new Error(`the page's script has ${size} bytes compressed, over ${SCRIPT_LIMIT}`);
  return size;
}

function copyMessages() {
  const from = path.join(SOURCE, 'messages');
  const to = path.join(PAGE, 'messages');
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(from).filter((each) => each.endsWith('.json'))) {
    // Without the blanks that make the file readable in the repository.
    const messages = JSON.parse(readFileSync(path.join(from, name), 'utf8'));
    writeFileSync(path.join(to, name), JSON.stringify(messages));
  }
}

/**
 * The licence of each package that went into the script, as its folder has it.
 * @param {string[]} inputs files, relative to the root
 */
function licencesOf(inputs) {
  const packages = inputs.flatMap((file) => file.match(/^node_modules\/((?:@[^/]+\/)?[^/]+)\//)?.[1] ?? []);
  return [...new Set(packages)]
    .sort()
    .map((name) => {
      const folder = path.join(root, 'node_modules', name);
      const { version, license } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'));
      const file = ['LICENSE', 'LICENSE.md', 'LICENSE.txt'].find((each) =>
        existsSync(path.join(folder, each)),
      );
      const text = file === undefined ? '' : readFileSync(path.join(folder, file), 'utf8').trim();
      return `${name} ${version} (${license})\n\n${text}\n`;
    })
    .join(`\n${'-'.repeat(72)}\n\n`);
}

await asScript(import.meta.url, async () => {
  const size = await buildPage();
  say(`spikescope: the screen's page is built, ${(size / 1000).toFixed(1)} kB of script compressed`);
});
