/**
 * An image as it is built, looked into with programs of the system: SPIKESCOPE_IMAGE=1 has it built (ten minutes on two slow
 * cores with an empty cache, 300 MB from mirrors and registry), SPIKESCOPE_IMAGE=FILE names one that was built; with
 * SPIKESCOPE_IMAGE_AGAIN=1 it is built a second time, from the cache, and must have the same bytes.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  closeSync,
  createReadStream,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { runScript } from '../support/run-script.ts';
import { sbomJudge } from '../support/sbom-schema.ts';

const HOUR = 3_600_000;
const WISH = process.env.SPIKESCOPE_IMAGE ?? '';
const AGAIN = process.env.SPIKESCOPE_IMAGE_AGAIN === '1';

const manifestSchema = z.object({
  image: z.object({ size: z.number(), sha256: z.string() }),
  inputs: z.looseObject({
    board: z.string(),
    sourceDateEpoch: z.number(),
    packages: z.array(z.object({ name: z.string(), version: z.string(), sha256: z.string() })),
  }),
  partitions: z.array(z.object({ name: z.string(), offset: z.number(), size: z.number() })),
  slots: z.object({
    a: z.object({
      root: z.object({
        size: z.number(),
        sha256: z.string(),
        verityRootHash: z.string(),
        hashOffset: z.number(),
      }),
    }),
  }),
});

let folder: string;
let image: string;
let manifest: z.infer<typeof manifestSchema>;
let root: string;

async function build(out: string): Promise<void> {
  const { status, stderr } = await runScript('scripts/flash/image.mjs', '--board', 'virt', '--out', out);
  expect(status, stderr.slice(-2000)).toBe(0);
}

async function digest(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const piece of createReadStream(file)) hash.update(piece as Buffer);
  return hash.digest('hex');
}

/** The bytes of a partition, as far as they are used. */
function take(name: string, size: number): string {
  const { offset } = manifest.partitions.find((each) => each.name === name) ?? { offset: 0 };
  const file = path.join(folder, name);
  const handle = openSync(image, 'r');
  const bytes = Buffer.alloc(size);
  readSync(handle, bytes, 0, size, offset);
  closeSync(handle);
  writeFileSync(file, bytes);
  return file;
}

describe.skipIf(WISH === '')('an image (SPIKESCOPE_IMAGE)', () => {
  beforeAll(async () => {
    folder = mkdtempSync(path.join(tmpdir(), 'image-'));
    image = WISH === '1' ? path.join(folder, 'virt.img') : WISH;
    if (WISH === '1') await build(image);
    manifest = manifestSchema.parse(JSON.parse(readFileSync(`${image}.manifest.json`, 'utf8')));
    root = take('root-a', manifest.slots.a.root.size);
  }, HOUR);
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** Versions of dump.erofs differ in what they call it, and in how they end where nothing is. */
  function isInRoot(name: string): boolean {
    const { status, stdout } = spawnSync('dump.erofs', [`--path=/${name}`, root], { encoding: 'utf8' });
    return status === 0 && /^(Path|File) : /m.test(stdout);
  }

  it(
    'is what its manifest says',
    async () => {
      expect(statSync(image).size).toBe(manifest.image.size);
      expect(await digest(image)).toBe(manifest.image.sha256);
      expect(await digest(root)).toBe(manifest.slots.a.root.sha256);
    },
    HOUR,
  );

  it(
    'has a root whose every block is verified by the hash that the kernel is told',
    () => {
      const { verityRootHash, hashOffset } = manifest.slots.a.root;
      const args = ['verify', `--hash-offset=${hashOffset}`, root, root];
      expect(() => execFileSync('veritysetup', [...args, verityRootHash], { stdio: 'ignore' })).not.toThrow();
      const line = execFileSync('mtype', ['-i', `${image}@@${offsetOf('boot-b')}`, '::cmdline-b.txt'], {
        encoding: 'utf8',
      });
      expect(line).toContain(`spikescope.verity=${verityRootHash}:`);
      expect(line).toContain('spikescope.slot=b');
    },
    HOUR,
  );

  function offsetOf(name: string): number {
    return manifest.partitions.find((each) => each.name === name)?.offset ?? 0;
  }

  it(
    'has file systems without a fault',
    () => {
      expect(() => execFileSync('fsck.erofs', [root], { stdio: 'ignore' })).not.toThrow();
      const data = take('data', manifest.partitions.find(({ name }) => name === 'data')?.size ?? 0);
      expect(() => execFileSync('e2fsck', ['-f', '-n', data], { stdio: 'ignore' })).not.toThrow();
      for (const name of ['config', 'boot-a', 'boot-b'])
        expect(() =>
          execFileSync(
            'fsck.fat',
            ['-n', take(name, manifest.partitions.find((each) => each.name === name)?.size ?? 0)],
            { stdio: 'ignore' },
          ),
        ).not.toThrow();
    },
    HOUR,
  );

  it('holds the program, Node, and nothing that builds or logs in', () => {
    for (const name of ['usr/bin/node', 'opt/spikescope/node_modules/spikescope/bin/spikescope-launch.mjs'])
      expect(isInRoot(name), name).toBe(true);
    for (const name of ['usr/bin/gcc', 'usr/bin/npm', 'usr/sbin/sshd', 'opt/spikescope/node_modules/vitest'])
      expect(isInRoot(name), name).toBe(false);
  });

  it(
    'has the records of dpkg, which finds changed what this project changes and nothing else',
    () => {
      const tree = path.join(folder, 'tree');
      execFileSync('fsck.erofs', [`--extract=${tree}`, root], { stdio: 'ignore' });
      // To the dpkg of a workstation the device's architecture is a foreign one.
      writeFileSync(path.join(tree, 'var/lib/dpkg/arch'), 'amd64\narm64\n');
      const dpkg = (wish: string) =>
        execFileSync('dpkg', [`--root=${tree}`, `--admindir=${tree}/var/lib/dpkg`, wish], {
          encoding: 'utf8',
        });
      expect(dpkg('--audit')).toBe('');
      const found = dpkg('--verify').split('\n').filter(Boolean);
      // What lies in memory on a device.
      const rest = found.filter((line) => !/^missing +\/var\/(cache|lib\/apt\/lists)\//.test(line));
      expect(rest.map((line) => line.replace(/^\S+ +(c )?/, '')).sort()).toEqual([
        '/etc/issue',
        '/usr/lib/os-release',
      ]);
      rmSync(tree, { recursive: true });
    },
    HOUR,
  );

  it('names in its SBOM every package that its manifest names, in the form of CycloneDX 1.6', () => {
    const sbom: unknown = JSON.parse(readFileSync(`${image}.sbom.json`, 'utf8'));
    const isOne = sbomJudge();
    expect(isOne(sbom), JSON.stringify(isOne.errors?.slice(0, 3))).toBe(true);
    const { components } = z
      .object({ components: z.array(z.looseObject({ purl: z.string().optional() })) })
      .parse(sbom);
    const named = new Set(
      components.flatMap(({ purl }) =>
        purl?.startsWith('pkg:deb/') ? [decodeURIComponent(purl.split('@')[0].slice(15))] : [],
      ),
    );
    expect(manifest.inputs.packages.filter(({ name }) => !named.has(name))).toEqual([]);
  });

  it.skipIf(!AGAIN)(
    'has the same bytes when it is built again (SPIKESCOPE_IMAGE_AGAIN)',
    async () => {
      const again = path.join(folder, 'again.img');
      process.env.SOURCE_DATE_EPOCH = String(manifest.inputs.sourceDateEpoch);
      await build(again);
      for (const end of ['', '.system', '.sbom.json', '.manifest.json'])
        expect([end, await digest(`${again}${end}`)]).toEqual([end, await digest(`${image}${end}`)]);
    },
    HOUR,
  );
});
