/** The table from which the addons are built. */
import { appendFileSync, cpSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

const NAMES = ['engine', 'torch', 'data'];
const addonSchema = z.looseObject({ folder: z.string() });
type Addon = z.infer<typeof addonSchema>;
const tableSchema = z.object({
  ADDONS: z.record(z.string(), addonSchema),
  sourceStamp: z.custom<(addon: Addon) => string>((value) => typeof value === 'function'),
});

let copy: string;
/** The table as a copy of the sources has it, whose files may be changed. */
let table: z.infer<typeof tableSchema>;
beforeAll(async () => {
  copy = mkdtempSync(path.join(tmpdir(), 'spikescope-addons-'));
  cpSync('scripts', path.join(copy, 'scripts'), { recursive: true });
  cpSync('native', path.join(copy, 'native'), {
    recursive: true,
    filter: (source) => !/\/build(-[\w-]+)?$/.test(source),
  });
  const module: unknown = await import(path.join(copy, 'scripts/addons.mjs'));
  table = tableSchema.parse(module);
});
afterAll(() => rmSync(copy, { recursive: true, force: true }));

describe('the table of addons', () => {
  it('has no others', () => {
    expect(Object.keys(table.ADDONS)).toEqual(NAMES);
  });
});

describe.each(NAMES)('the stamp of the addon `%s`', (name) => {
  it('changes with every one of its sources', () => {
    const { [name]: addon, ...others } = table.ADDONS;
    // The addon inside another's folder has a stamp of its own.
    const inner = Object.values(others).filter(({ folder }) => folder.startsWith(`${addon.folder}/`));
    const sources = readdirSync(path.join(copy, addon.folder), { recursive: true, encoding: 'utf8' })
      .map((file) => path.join(addon.folder, file))
      .filter((file) => /\.(cpp|h|gyp)$/.test(file))
      .filter((file) => !inner.some(({ folder }) => file.startsWith(`${folder}/`)));
    expect(sources.length).toBeGreaterThan(5);
    let stamp = table.sourceStamp(addon);
    const without = sources.filter((file) => {
      appendFileSync(path.join(copy, file), '\n');
      const before = stamp;
      stamp = table.sourceStamp(addon);
      return stamp === before;
    });
    expect(without).toEqual([]);
  });
});
