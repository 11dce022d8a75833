import { defineConfig } from 'vitest/config';

/** The tests of the rooms that are mutated, and no others: every mutant runs those of them that reach it. */
export default defineConfig({
  test: {
    include: [
      'test/model/requantise.test.ts',
      'test/runtime/inference/{readout,triage}.test.ts',
      'test/runtime/learning/gate.test.ts',
      'test/store/{chain,journal,journal-answers,outbox,verify}.test.ts',
      'test/telehealth/commands.test.ts',
      'test/telehealth/commands/**/*.test.ts',
      'test/update/**/*.test.ts',
    ],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000 } },
  },
});
