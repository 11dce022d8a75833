/** The scenario of the public TUF conformance suite, `test_static_repositories.py`, under the name of its function. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { FolderSource } from '../../../src/updates/source/folder.ts';
import { TestDevice } from '../../support/updates/device.ts';

it.each([
  ['sigstore-root-signing', 12],
  ['tuf-on-ci-0.11', 1],
])('test_static_repository: %s', async (name, root) => {
  const folder = path.resolve('test/fixtures/tuf', name);
  const device = new TestDevice(readFileSync(path.join(folder, 'initial_root.json')));
  const source = new FolderSource(folder);
  // One ended in 2025, the other will, and no device's time can lie before its program: taken on record.
  const target = readFileSync(path.join(folder, 'targetpath'), 'utf8').trim();
  const outcome = await device.use(
    source,
    async (repository) => {
      const found = await repository.target(target);
      await repository.verify(found);
      return found.length;
    },
    { acceptExpired: 'a repository of the public suite' },
  );
  expect(outcome).toMatchObject({ outcome: 'trusted', result: expect.any(Number) });
  expect(await device.versions()).toMatchObject({ root });
  if (root > 1) expect(device.events().map(({ event }) => event)).toContain('override');
  device.end();
});
