import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { hasMosquitto } from '../support/mosquitto.ts';

/** `spikescope bench outage` measures 10,000 unless told otherwise. */
const RESULTS = Number(process.env.SPIKESCOPE_OUTAGE_RESULTS ?? 300);
const MEGABYTES = 20;

const reportSchema = z.object({
  results: z.int(),
  received: z.int(),
  inOrder: z.boolean(),
  sound: z.boolean(),
  waiting: z.int(),
  memoryGrowth: z.array(z.number()),
});

describe.skipIf(!hasMosquitto)('an outage of the broker', () => {
  it(`in which ${RESULTS} results queue up and the device is killed twice costs none, nor their order`, () => {
    const args = ['bin/spikescope.mjs', 'bench', 'outage', '--json', '--results', String(RESULTS)];
    const report = reportSchema.parse(
      JSON.parse(execFileSync(process.execPath, args, { stdio: ['ignore', 'pipe', 'ignore'] }).toString()),
    );
    expect(report).toMatchObject({
      results: RESULTS,
      received: RESULTS,
      inOrder: true,
      sound: true,
      waiting: 0,
    });
    expect(Math.max(...report.memoryGrowth)).toBeLessThan(MEGABYTES);
  });
});
