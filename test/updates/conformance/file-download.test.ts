/** The scenarios of the public TUF conformance suite, `test_file_download.py`, under the names of its functions. */
import { TargetFile } from '@tufjs/models';
import { expect, it } from 'vitest';
import { endDevicesAfterEach, scenario } from '../../support/updates/scenario.ts';

endDevicesAfterEach();
const TARGETS = ['targets', 'snapshot', 'timestamp'];
const content = (text: string) => Buffer.from(text);

it('test_client_downloads_expected_file', async () => {
  const { repository, device } = scenario();
  repository.addTarget('targets', content('target file contents'), 'target_file.txt');
  repository.publish(TARGETS);
  expect(await device.refresh(repository)).toBe('trusted');
  expect(repository.artifactRequests).toEqual([]);
  expect(await device.download(repository, 'target_file.txt')).toEqual(content('target file contents'));
});

it('test_client_downloads_expected_file_in_sub_dir', async () => {
  const { repository, device } = scenario();
  repository.addTarget('targets', content('in a folder'), 'path/to/a/target_file.txt');
  repository.publish(TARGETS);
  expect(await device.download(repository, 'path/to/a/target_file.txt')).toEqual(content('in a folder'));
});

it('test_repository_substitutes_target_file', async () => {
  const { repository, device } = scenario();
  repository.addTarget('targets', content('target file contents'), 'one');
  repository.addTarget('targets', content('content'), 'another');
  repository.publish(TARGETS);
  expect(await device.download(repository, 'one')).toEqual(content('target file contents'));
  const before = device.files();
  for (const name of ['one', 'another']) repository.artifacts.set(name, content('malicious data'));
  // It lies there already, and is what is signed.
  expect(await device.download(repository, 'one')).toEqual(content('target file contents'));
  expect(await device.download(repository, 'another')).toBe('TARGET_DAMAGED');
  expect(device.files()).toEqual(before);
});

it('test_multiple_changes_to_target', async () => {
  const { repository, device } = scenario();
  repository.addTarget('targets', content('target file contents'), 'file');
  repository.publish(TARGETS);
  expect(await device.download(repository, 'file')).toEqual(content('target file contents'));
  for (let i = 0; i < 11; i++) {
    const modified = content(`modified file contents ${i}`);
    repository.addTarget('targets', modified, 'file');
    repository.addTarget('targets', content(`new file contents ${i}`), `new-target-${i}`);
    repository.publish(TARGETS);
    if (i % 5 !== 0) continue;
    expect(await device.download(repository, 'file')).toEqual(modified);
    expect(await device.download(repository, `new-target-${i}`)).toEqual(content(`new file contents ${i}`));
    const before = Object.keys(device.files());
    repository.artifacts.set('file', content(`malicious contents ${i}`));
    repository.publish(TARGETS);
    expect(await device.download(repository, 'file')).toEqual(modified);
    expect(Object.keys(device.files())).toEqual(before);
  }
});

it.each([[['sha256']], [['sha512']], [['sha256', 'sha512']]])(
  'test_download_with_hash_algorithms: %j',
  async (algorithms) => {
    const { repository, device } = scenario();
    repository.addTarget('targets', content('target file contents'), 'target_file.txt', { algorithms });
    repository.publish(TARGETS);
    expect(await device.download(repository, 'target_file.txt')).toEqual(content('target file contents'));
    expect(repository.artifactRequests).toHaveLength(1);
    const { hashes } = repository.targets.targets['target_file.txt'];
    const possible = Object.values(hashes).map((hash) => `${hash}.target_file.txt`);
    expect(possible).toContain(repository.artifactRequests[0]);
  },
);

it('test_download_with_unknown_hash_algorithm', async () => {
  const { repository, device } = scenario();
  repository.addTarget('targets', content('target file contents'), 'file');
  const { length, hashes } = repository.targets.targets.file;
  repository.targets.addTarget(
    new TargetFile({ path: 'file', length, hashes: { 'unknown-hash': hashes.sha256 } }),
  );
  repository.publish(TARGETS);
  expect(await device.download(repository, 'file')).toBe('TARGET_FORM');
  expect(repository.artifactRequests).toEqual([]);
});

it('test_artifact_cache', async () => {
  const { repository, device } = scenario();
  repository.addTarget('targets', content('target file contents'), 'file');
  repository.publish(TARGETS);
  for (let i = 0; i < 2; i++) expect(await device.download(repository, 'file')).toBeInstanceOf(Buffer);
  expect(repository.artifactRequests).toHaveLength(1);
});
