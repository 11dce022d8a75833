/**
 * Writes down every access of the vendor's engine to a played card: one JSON object a line, `phase` being what was asked of
 * the backend (open, infer, close), `reg` the name of a register. After `node scripts/prepare-card.mjs`:
 *
 *   node native/akida-m2/build-card/javascript/test/support/akida-device/record.js BUNDLE > accesses.jsonl
 */
import { defaultCache } from '../../../src/cli/shared/options.ts';
import { compilerPython } from '../../../src/conversion/akida1/python.ts';
import { readBundle } from '../../../src/model/bundle/read.ts';
import { cardAddonOrNull } from './addon.ts';
import { PlayedCard } from './card.ts';
import type { TracedAccess } from './messages.ts';
import { backboneProgram } from './program.ts';

const BLOCKS: readonly (readonly [from: number, name: string])[] = [
  [0xfcc7_0000, 'INTERRUPTS'],
  [0xfcc4_0000, 'EPG'],
  [0xfcc3_0000, 'CFG'],
  [0xfcc2_8000, 'HRC'],
  [0xfcc2_0000, 'AE'],
  [0xfcc0_0000, 'TOP'],
];

function registerOf({ addr }: TracedAccess): string {
  const address = Number(addr);
  const block = BLOCKS.find(([from]) => address >= from);
  return block === undefined ? 'scratch' : `${block[1]}+0x${(address - block[0]).toString(16)}`;
}

function print(phase: string, accesses: readonly TracedAccess[]): void {
  for (const access of accesses) {
    process.stdout.write(`${JSON.stringify({ phase, ...access, reg: registerOf(access) })}\n`);
  }
}

const addon = cardAddonOrNull();
if (addon === null) throw new Error('Type first: node scripts/prepare-card.mjs');
process.env.SPIKESCOPE_ADDON = addon;
const { openNative } = await import('../../../src/runtime/engine/native-engine.ts');
const file = process.argv[2] ?? 'models/qana-akd1000.spikescope';
const { graph, golden } = await readBundle(file);
const program = await backboneProgram(graph, await compilerPython(defaultCache()));
const card = await PlayedCard.play(file);
await card.trace();
const engine = await openNative('akida', graph, { device: card.device, program });
print('open', await card.trace());
await engine.infer(golden[0].input);
print('infer', await card.trace());
await engine.close();
print('close', await card.trace());
await card.end();
