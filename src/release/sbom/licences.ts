import { z } from 'zod';
import type { Manifest } from '../application/production-packages.ts';

/** SPDX identifiers of licences under which parts may be passed on with the program. */
export const ALLOWED: ReadonlySet<string> = new Set([
  ...[
    '0BSD',
    'Apache-2.0',
    'BlueOak-1.0.0',
    'BSD-2-Clause',
    'BSD-3-Clause',
    'ISC',
    'MIT',
    'Zlib',
    'blessing',
  ],
  ...['FTL', 'HPND-sell-variant', 'IJG', 'libpng-2.0', 'libtiff'],
  // Loaded as libraries of their own, which anybody may replace.
  ...['LGPL-3.0-or-later', 'MPL-1.1'],
  // The weights, whose use is bound to that of the data set.
  'CC-BY-NC-4.0',
]);

/** Whether a licence, or an expression of SPDX without nesting, is among those that are allowed. */
export function isAllowed(expression: string): boolean {
  const plain = expression.replace(/^\((.*)\)$/, '$1');
  const choices = plain.split(' OR ');
  if (choices.length > 1) return !plain.includes(' AND ') && choices.some((each) => ALLOWED.has(each));
  return plain.split(' AND ').every((each) => ALLOWED.has(each));
}

const namedSchema = z.union([z.string(), z.object({ type: z.string() }).transform(({ type }) => type)]);

/** What a package says of its licence, also in forms that npm has given up; null where it says nothing. */
export function licenceOf({ license, licenses }: Manifest): string | null {
  const [said] = [license, licenses].filter((each) => each !== undefined);
  const parsed = z.union([namedSchema, z.array(namedSchema).min(1)]).safeParse(said);
  if (!parsed.success) return null;
  return Array.isArray(parsed.data) ? parsed.data.join(' OR ') : parsed.data;
}

/** Libraries inside the package of libvips, by their names in its `versions.json`: licences as its README names them. */
export const VIPS_LICENCES: Readonly<Record<string, string>> = {
  aom: 'BSD-2-Clause',
  archive: 'BSD-2-Clause',
  cairo: 'MPL-1.1',
  cgif: 'MIT',
  exif: 'LGPL-3.0-or-later',
  expat: 'MIT',
  ffi: 'MIT',
  fontconfig: 'HPND-sell-variant',
  freetype: 'FTL',
  fribidi: 'LGPL-3.0-or-later',
  glib: 'LGPL-3.0-or-later',
  harfbuzz: 'MIT',
  heif: 'LGPL-3.0-or-later',
  highway: 'BSD-3-Clause',
  imagequant: 'BSD-2-Clause',
  lcms: 'MIT',
  mozjpeg: 'Zlib AND IJG AND BSD-3-Clause',
  pango: 'LGPL-3.0-or-later',
  pixman: 'MIT',
  png: 'libpng-2.0',
  'proxy-libintl': 'LGPL-3.0-or-later',
  rsvg: 'LGPL-3.0-or-later',
  tiff: 'libtiff',
  uhdr: 'MIT',
  vips: 'LGPL-3.0-or-later',
  webp: 'BSD-3-Clause',
  xml2: 'MIT',
  'zlib-ng': 'Zlib',
};
