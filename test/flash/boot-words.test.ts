/** What `npm run image:boot` answers to wrong words: a sentence, before anything is begun. */
import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';

const IMAGE = ['--image', 'package.json'];

it.each([
  ['no image', [], '--image'],
  ['an image that is not there', ['--image', 'nowhere.img'], 'nowhere.img'],
  ['an archive that is not there', [...IMAGE, '--scenario', 'plug'], 'package.json.system'],
  ['a scenario that there is not', [...IMAGE, '--scenario', 'plugs'], 'reading, plug, update'],
  ['a number that is none', [...IMAGE, '--kills', 'three'], "'three'"],
  [
    'a moment that there is not',
    [...IMAGE, '--during', 'lunch'],
    'start, capture, learning, fetch, write, trial',
  ],
  ['no kill at all', [...IMAGE, '--kills', '0'], 'from 1'],
  ['an option that there is not', [...IMAGE, '--kill', '3'], '--kill'],
])('%s', (_, words, said) => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['scripts/flash/boot.mjs', ...words], {
    encoding: 'utf8',
  });
  expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
  expect(stderr).toContain(said);
  expect(stderr).not.toMatch(/^ +at /m);
});
