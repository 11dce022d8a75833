import path from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';

const script: unknown = await import(path.resolve('scripts/support/thread-reports.mjs'));
const { isAboutAddon } = z
  .object({ isAboutAddon: z.function({ input: [z.string()], output: z.boolean() }) })
  .parse(script);

const ADDON = '    #0 tile() native/engine/plan.cpp:7 (spikescope.node+0x4548f)\n';
const NODE = '    #0 uv__slurp ../deps/uv/src/unix/core.c:1067 (node+0x18ad93b)\n';

function report(current: string, previous: string, location: string): string {
  return `WARNING: ThreadSanitizer: data race (pid=1)
  Write of size 8 at 0x7ba000000230 by thread T9:
${current}
  Previous write of size 8 at 0x7ba000000230 by thread T109:
${previous}
${location}
  Thread T109 (tid=6228, running) created by main thread at:
${NODE}`;
}

const memory = '  Location is heap block of size 8 at 0x7ba000000230 allocated by thread T109:\n';
const file = '  Location is file descriptor 35 created by thread T109 at:\n';

it('counts a race in which the addon takes part', () => {
  expect(isAboutAddon(report(ADDON, NODE, memory + NODE))).toBe(true);
  expect(isAboutAddon(report(NODE, ADDON, memory + NODE))).toBe(true);
  expect(isAboutAddon(report(ADDON, ADDON, file + ADDON))).toBe(true);
});

it('leaves out what Node does alone', () => {
  expect(isAboutAddon(report(NODE, NODE, memory + NODE))).toBe(false);
});

it('leaves out the number of a file that Node had opened and closed unseen', () => {
  expect(isAboutAddon(report(ADDON, NODE, file + NODE))).toBe(false);
});
