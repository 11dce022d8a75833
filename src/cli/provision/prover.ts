import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { z } from 'zod';
import { printable, reasonOf, SpikescopeError } from '../../errors.ts';
import { readOverlay } from '../../runtime/appliance/settings/overlay.ts';
import type { Proof, ProofItem, Prove } from '../../updates/install/contract.ts';
import type { Release } from '../../updates/release.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/spikescope.mjs', import.meta.url));
/** Milliseconds that a proof may take. */
const PATIENCE = 10 * 60_000;

export const proofSchema = z.strictObject({
  passed: z.boolean(),
  items: z.array(
    z.strictObject({
      name: z.string(),
      passed: z.boolean(),
      measured: z.number().nullable(),
      required: z.string(),
    }),
  ),
});

/** How this device proves a release of each kind. */
export function proverFor(): Prove {
  return async ({ release, path }, onStep) => {
    onStep(0, 1);
    const proof =
      release.kind === 'model'
        ? await modelProof(path, release)
        : of([
            release.kind === 'configuration' ? configurationItem(path) : unproven('starts', 'a start of it'),
          ]);
    onStep(1, 1);
    return proof;
  };
}

/** Golden inputs on the processor, in a process of its own: one that it ends is none of ours. */
async function modelProof(file: string, { proof = {} }: Release): Promise<Proof> {
  const items = await itemsOfChild(file);
  const asked = Object.entries(proof).filter(([name]) => !items.some((item) => item.name === name));
  return of([...items, ...asked.map(([name, value]) => unproven(name, String(value)))]);
}

async function itemsOfChild(file: string): Promise<readonly ProofItem[]> {
  try {
    const { stdout } = await promisify(execFile)(
      process.execPath,
      [PROGRAM, 'provision', 'prove-model', file],
      {
        timeout: PATIENCE,
        killSignal: 'SIGKILL',
      },
    );
    return proofSchema.parse(JSON.parse(stdout)).items;
  } catch (error) {
    return [
      unproven('golden.cpu', `a process that ends in order; ${printable(reasonOf(error)).slice(0, 300)}`),
    ];
  }
}

function configurationItem(file: string): ProofItem {
  try {
    readOverlay(file);
    return { name: 'settings', passed: true, measured: null, required: 'settings of this version' };
  } catch (error) {
    if (!(error instanceof SpikescopeError)) throw error;
    return unproven('settings', `settings of this version; ${error.describe()}`);
  }
}

function unproven(name: string, required: string): ProofItem {
  return { name, passed: false, measured: null, required };
}

function of(items: readonly ProofItem[]): Proof {
  return { passed: items.length > 0 && items.every(({ passed }) => passed), items };
}
