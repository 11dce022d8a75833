import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { preloadedObject } from '../preload.ts';
import type { Random } from '../random.ts';

const SOURCES = ['interpose.cpp', 'medium.cpp', 'medium.h', 'real.h'].map((name) =>
  path.join(import.meta.dirname, name),
);

/** How a process ends before its time. */
export type Cut =
  /** SIGKILL: what it has written stays, flushed or not. */
  | { readonly kind: 'kill'; readonly afterMilliseconds: number }
  /** Power loss at the n-th change below the folder: torn, and of what was not flushed a random part is lost. */
  | { readonly kind: 'power'; readonly at: number; readonly seed: number };

/** Some cut: for a process that makes about `changes` changes, or works for about `milliseconds`. */
export function anyCut(
  kind: Cut['kind'],
  random: Random,
  { changes, milliseconds }: { changes: number; milliseconds: number },
): Cut {
  if (kind === 'kill') return { kind, afterMilliseconds: random.next() * milliseconds };
  // Early changes are the rarest kind, creation and recovery: half of the cuts fall on a tenth of the time.
  const at = random.chance(0.5) ? random.integer(1, Math.ceil(changes / 10)) : random.integer(1, changes);
  return { kind, at, seed: random.integer(0, 2 ** 31) };
}

export interface Workload {
  /** A module that Node runs in a process of its own; it works below `folder` until it is ended. */
  readonly module: string;
  readonly environment: Readonly<Record<string, string>>;
  /** Absolute path. */
  readonly folder: string;
}

export interface CutShort {
  /** Whole lines that it wrote to stdout. */
  readonly lines: readonly string[];
  readonly stderr: string;
  /** Whether the cut came before it ended by itself. */
  readonly wasCut: boolean;
}

/** Runs a workload until the cut, or until its end without one. @throws when it fails by itself */
export async function run({ module, environment, folder }: Workload, cut?: Cut): Promise<CutShort> {
  const backups = mkdtempSync(`${folder}-backups-`);
  const child = spawn(process.execPath, [module], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      ...environment,
      // Kernel-side writes would pass by the interposed functions.
      UV_USE_IO_URING: '0',
      ...(cut?.kind === 'power' && {
        LD_PRELOAD: preloadedObject('power-cut', SOURCES),
        POWER_CUT_FOLDER: folder,
        POWER_CUT_BACKUPS: backups,
        POWER_CUT_AT: String(cut.at),
        POWER_CUT_SEED: String(cut.seed),
      }),
    },
  });
  const output = { stdout: '', stderr: '' };
  child.stdout.on('data', (chunk: Buffer) => {
    output.stdout += chunk.toString();
  });
  child.stderr.on('data', (chunk: Buffer) => {
    output.stderr += chunk.toString();
  });
  const closed = once(child, 'close');
  if (cut?.kind === 'kill') {
    await Promise.race([once(child.stdout, 'data'), closed]);
    await Promise.race([delay(cut.afterMilliseconds), closed]);
    child.kill('SIGKILL');
  }
  const [exitCode, signal] = await closed;
  rmSync(backups, { recursive: true, force: true });
  if (signal !== 'SIGKILL' && exitCode !== 0) {
    throw new Error(`the workload failed by itself (${signal ?? exitCode}): ${output.stderr}`);
  }
  const lines = output.stdout.split('\n').slice(0, -1);
  return { lines, stderr: output.stderr, wasCut: signal === 'SIGKILL' };
}

/** What stands in a file that SQLite maps is anything after a power loss. */
export function scramble(file: string, random: Random): void {
  if (existsSync(file)) writeFileSync(file, random.bytes(32_768));
}
