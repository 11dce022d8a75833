/** What a device of the tests says that it runs. */
export const modelInUse = {
  model: { name: 'qana64', version: '1.0.0', digest: 'ab'.repeat(32) },
  backend: 'cpu',
  instructionSet: 'scalar',
  classes: ['mel', 'nv'],
} as const;
