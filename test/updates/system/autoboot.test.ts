/** `autoboot.txt`, as Raspberry Pi documents it, and how it is changed. */
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { autobootFor, committedIn, readAutoboot } from '../../../src/updates/system/autoboot.ts';
import { commitSlot } from '../../../src/updates/system/commit.ts';
import { DEVICE_PLACES } from '../../../src/updates/system/places.ts';

const DOCUMENTED = '[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=3\n';

describe('what the firmware reads', () => {
  it('is the example of the documentation', () => {
    expect(readAutoboot(DOCUMENTED, false)).toEqual({ partition: 2, isPartitionTried: true });
    expect(readAutoboot(DOCUMENTED, true)).toEqual({ partition: 3, isPartitionTried: true });
    expect(committedIn(DOCUMENTED)).toBe('a');
  });

  it.each([
    ['settings before any filter count', 'boot_partition=3\n', 3, 3],
    [
      'capital letters, comments, spaces and lines of DOS are read',
      '# A/B\r\n[ALL]\r\nboot_partition = 2 # a\r\n',
      2,
      2,
    ],
    ['what comes last counts', '[all]\nboot_partition=2\nboot_partition=3\n', 3, 3],
    ['[none] keeps out what follows', '[all]\nboot_partition=2\n[none]\nboot_partition=3\n', 2, 2],
    [
      'only [all] opens what [none] has closed',
      '[none]\n[tryboot]\nboot_partition=3\n[all]\nboot_partition=2\n',
      2,
      2,
    ],
    ['a filter of config.txt keeps out what follows', '[pi5]\nboot_partition=3\n[all]\n', null, null],
    ['partition 0 is the one that the firmware finds', '[all]\nboot_partition=0\n', null, null],
    ['an empty file names none', '', null, null],
    ['what lies behind 512 bytes is not read', `${'#'.repeat(511)}\nboot_partition=2\n`, null, null],
  ])('%s', (_, text, ordinary, tried) => {
    expect([readAutoboot(text, false).partition, readAutoboot(text, true).partition]).toEqual([
      ordinary,
      tried,
    ]);
  });

  it.each([
    ['both starts take the same', '[all]\ntryboot_a_b=1\nboot_partition=2\n'],
    ['a one-shot start reads tryboot.txt', '[all]\nboot_partition=2\n[tryboot]\nboot_partition=3\n'],
    [
      'a partition is none of a slot',
      '[all]\ntryboot_a_b=1\nboot_partition=1\n[tryboot]\nboot_partition=3\n',
    ],
  ])('commits no slot where %s', (_, text) => {
    expect(committedIn(text)).toBeNull();
  });

  it('is what was written, for either slot', () => {
    expect(autobootFor('a')).toBe(DOCUMENTED);
    expect(committedIn(autobootFor('b'))).toBe('b');
  });

  it('never throws', () => {
    fc.assert(fc.property(fc.string(), fc.boolean(), (text, flag) => void readAutoboot(text, flag)));
  });
});

describe('committing a slot', () => {
  let config: string;
  beforeAll(() => {
    config = mkdtempSync(path.join(tmpdir(), 'autoboot-'));
  });
  afterAll(() => rmSync(config, { recursive: true, force: true }));

  it('swaps the two partitions, leaves nothing beside the file, and writes nothing where nothing changes', async () => {
    const places = { ...DEVICE_PLACES, config };
    writeFileSync(path.join(config, 'autoboot.txt'), DOCUMENTED);
    writeFileSync(path.join(config, 'autoboot.txt.new'), 'left by a power cut');
    expect(await commitSlot(places, 'a')).toBe(false);
    expect(await commitSlot(places, 'b')).toBe(true);
    expect(await commitSlot(places, 'b')).toBe(false);
    expect(committedIn(readFileSync(path.join(config, 'autoboot.txt'), 'utf8'))).toBe('b');
    expect(readdirSync(config)).toEqual(['autoboot.txt']);
  });

  it('mends a file of which nothing can be made', async () => {
    writeFileSync(path.join(config, 'autoboot.txt'), '\0\0\0');
    expect(await commitSlot({ ...DEVICE_PLACES, config }, 'a')).toBe(true);
    expect(readFileSync(path.join(config, 'autoboot.txt'), 'utf8')).toBe(DOCUMENTED);
  });

  it('says where it cannot', async () => {
    const places = { ...DEVICE_PLACES, config: path.join(config, 'nowhere') };
    await expect(commitSlot(places, 'a')).rejects.toMatchObject({ code: 'BOOT_CONFIGURATION' });
  });
});
