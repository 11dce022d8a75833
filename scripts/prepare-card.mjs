/**
 * What tests of the card need where the vendor's engine can be had: an addon with the engine, and the compiled program that
 * plays the card. Without the engine those tests are skipped by name.
 *
 *   node scripts/prepare-card.mjs
 */
import { existsSync, mkdirSync, symlinkSync } from 'node:fs';
import path from 'node:path';
import { engineOrNull } from './akida-engine.mjs';
import { buildWithCard } from './build-native.mjs';
import { asScript, execute, root } from './support/programs.mjs';

/**
 * Lets compiled tests find the vendor's compiler beside themselves, as the sources do.
 * @param {string} folder of compiled JavaScript
 */
export function linkCompiler(folder) {
  const compiler = 'native/akida-m2/compiler';
  const link = path.join(folder, compiler);
  mkdirSync(path.dirname(link), { recursive: true });
  if (!existsSync(link)) symlinkSync(path.join(root, compiler), link);
}

/** Compiles what plays the card. */
export function compileCard() {
  linkCompiler(path.join(root, 'native/akida-m2/build-card/javascript'));
  execute(path.join(root, 'node_modules/.bin/tsc'), ['-p', 'test/support/akida-device/tsconfig.json']);
}

/** @returns {Promise<string | null>} folder of the engine; null where it cannot be had, which is said */
export async function prepareCard() {
  const engine = await engineOrNull();
  if (engine === null) return null;
  buildWithCard(engine);
  compileCard();
  return engine;
}

await asScript(import.meta.url, prepareCard);
