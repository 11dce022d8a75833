/**
 * Mutation testing (`npm run mutation`, see docs/design/testing.md): each rule of the rooms that a patient's safety hangs on
 * is broken in turn, and a test must notice. A pattern without a file is permitted: that room is taken in when it is there.
 * @type {import('@stryker-mutator/api/core').PartialStrykerOptions}
 */
export default {
  plugins: ['@stryker-mutator/vitest-runner'],
  testRunner: 'vitest',
  vitest: { configFile: 'scripts/mutation/vitest.config.ts' },
  mutate: [
    'src/model/requantise.ts',
    'src/runtime/inference/{readout,triage}.ts',
    'src/runtime/learning/gate.ts',
    'src/store/{chain,chain-writer,journal,outbox,verify}.ts',
    'src/telehealth/commands/*.ts',
    'src/update/**/*.ts',
  ],
  coverageAnalysis: 'perTest',
  concurrency: 2,
  // Vitest reads TypeScript by itself; TypeScript 7 has no interface that Stryker could rewrite its settings with.
  tsconfigFile: 'none',
  ignorePatterns: ['/docs', '/models', '/prebuilds', '/bench', '/.spikescope', '/native/**/build*'],
  tempDirName: '.stryker-tmp',
  reporters: ['clear-text', 'html', 'json'],
  clearTextReporter: { allowColor: false, allowEmojis: false, logTests: false, reportTests: false },
  htmlReporter: { fileName: 'reports/mutation/index.html' },
  jsonReporter: { fileName: 'reports/mutation/mutation.json' },
  thresholds: { high: 98, low: 95, break: 95 },
};
