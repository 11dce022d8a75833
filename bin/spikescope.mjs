#!/usr/bin/env node
import { existsSync } from 'node:fs';

if (!existsSync(new URL('../dist/.stamp', import.meta.url))) {
  const { prepare } = await import('../scripts/prepare.mjs');
  try {
    await prepare();
  } catch (error) {
    process.stderr.write(`spikescope: ${error instanceof Error ? error.message : error}\n`);
    process.exit(1);
  }
}
const { main } = await import('../dist/cli/main.js');
process.exitCode = await main(process.argv.slice(2));
