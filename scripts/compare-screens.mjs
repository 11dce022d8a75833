/**
 * Compares two folders of the screen's pictures, as test/ui/page/screenshots.test.ts makes them, pixel by pixel: what is
 * new, what is gone, what differs by how much, with a picture of each difference.
 *
 *     node scripts/compare-screens.mjs BEFORE AFTER [--out reports/screen-differences] [--share 0.001]
 *
 * Ends with 1 where a picture differs in more than that share of its pixels, or is there only once.
 */
import { existsSync, mkdirSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import pixelmatch from 'pixelmatch';
import sharp from 'sharp';
import { asScript } from './support/programs.mjs';

/** @param {string} folder */
function picturesIn(folder) {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.png'))
    .sort();
}

/** @param {string} file */
async function pixelsOf(file) {
  const { data, info } = await sharp(file).ensureAlpha().raw().toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height };
}

/**
 * @param {string} before
 * @param {string} after
 * @param {string} difference where a picture of it is written, if there is any
 * @returns {Promise<number>} share of pixels that differ, 0…1
 */
async function compare(before, after, difference) {
  const [one, other] = await Promise.all([pixelsOf(before), pixelsOf(after)]);
  const { width, height } = one;
  if (width !== other.width || height !== other.height) return 1;
  const drawn = Buffer.alloc(one.data.length);
  const count = pixelmatch(one.data, other.data, drawn, width, height, { threshold: 0.1 });
  if (count > 0) {
    mkdirSync(path.dirname(difference), { recursive: true });
    await sharp(drawn, { raw: { width, height, channels: 4 } })
      .png()
      .toFile(difference);
  }
  return count / (width * height);
}

await asScript(import.meta.url, async () => {
  const { positionals, values } = parseArgs({
    allowPositionals: true,
    options: {
      out: { type: 'string', default: 'reports/screen-differences' },
      share: { type: 'string', default: '0.001' },
    },
  });
  const [before, after] = positionals;
  if (before === undefined || after === undefined) throw new Error('two folders of pictures are needed');
  const limit = Number(values.share);
  const names = [...new Set([...picturesIn(before), ...picturesIn(after)])].sort();
  let changed = 0;
  for (const name of names) {
    const [one, other] = [path.join(before, name), path.join(after, name)];
    const isOnlyOnce = !existsSync(one) || !existsSync(other);
    const share = isOnlyOnce ? 1 : await compare(one, other, path.join(values.out, name));
    if (share <= limit) continue;
    changed++;
    const what = existsSync(one) ? 'gone' : 'new';
    process.stdout.write(
      `${name}: ${isOnlyOnce ? what : `${(100 * share).toFixed(2)} % of pixels differ`}\n`,
    );
  }
  process.stdout.write(`${changed} of ${names.length} pictures changed\n`);
  if (changed > 0) process.exitCode = 1;
});
