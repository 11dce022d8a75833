/** What docs/use/conversion.md says to type, exporter by exporter, typed: on real exporters, with untrained networks. */
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import sharp from 'sharp';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';
import { convertCommand } from '../../src/cli/convert/convert.ts';
import { exportersPython, runBlock } from '../support/exporters.ts';
import { phantomInputs } from '../support/phantoms.ts';
import { runCommand } from '../support/run-command.ts';

const BLOCK = /<!-- exporter (\S+) -->\n```python\n([\s\S]*?)```\n```sh\nnpx spikescope (.*)\n```/g;
const SIDE = 64;
/** Milliseconds: TensorFlow or PyTorch is loaded for each, and one network trained for a moment. */
const SLOW = 900_000;

const page = await readFile('docs/use/conversion.md', 'utf8');
const blocks = [...page.matchAll(BLOCK)].map(([, name, code, command]) => ({ name, code, command }));
const python = await exportersPython();

const summarySchema = z.object({
  agreement: z.object({ same: z.number(), images: z.number(), decibels: z.number() }),
});

it('the page tells of every exporter', () => {
  expect(blocks.map(({ name }) => name)).toEqual([
    'dynamo',
    'torchscript',
    'timm',
    'keras',
    'tf2onnx',
    'scikit-learn',
    'ultralytics',
  ]);
});

describe.skipIf(python === null)(
  'a network of (SPIKESCOPE_EXPORTERS=1; needs the packages of test/exporters/requirements.txt)',
  () => {
    let folder: string;
    let photos: string;

    beforeAll(async () => {
      folder = await mkdtemp(path.join(tmpdir(), 'exporters-'));
      photos = path.join(folder, 'photos');
      await mkdir(photos);
      const raw = { width: SIDE, height: SIDE, channels: 3 } as const;
      for (const [i, pixels] of phantomInputs(40, SIDE).entries()) {
        await sharp(pixels, { raw }).toFile(path.join(photos, `${i}.png`));
      }
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    it.each(blocks)(
      '$name converts with what the page says to type',
      async ({ name, code, command }) => {
        const home = path.join(folder, name);
        await mkdir(home);
        const block = path.join(home, 'block.py');
        await writeFile(block, code);
        await runBlock(python ?? 'none', name, block, photos);

        const [verb, ...options] = command.split(' ').map((word) => {
          if (word === 'photos') return photos;
          return word.startsWith('model.') ? path.join(home, word) : word;
        });
        expect(verb).toBe('convert');
        const { fault, stdout } = await runCommand(convertCommand(), [
          ...options,
          '--images',
          '24',
          '--json',
        ]);
        expect(fault).toBeNull();
        const { agreement } = summarySchema.parse(JSON.parse(stdout));
        expect(agreement.same).toBeGreaterThanOrEqual(Math.floor((47 / 48) * agreement.images));
        expect(agreement.decibels).toBeGreaterThan(20);
      },
      SLOW,
    );
  },
);
