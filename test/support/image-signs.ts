/** What image files begin with or hold, as bytes and as the texts in which they travel. */
const SIGNS: readonly (readonly [name: string, sign: RegExp])[] = [
  ['JPEG', /\xff\xd8\xff(?:\xe0..JFIF|\xe1..Exif|\xdb.[\x43\x84])/s],
  ['PNG', /\x89PNG\r\n/],
  ['WebP', /RIFF.{4}WEBP/s],
  ['AVIF', /ftyp(?:avi[fs]|mif1|hei[cx])/],
  ['JPEG in base64', /\/9j\/[2-4][A-Za-z0-9+/]{8}/],
  ['PNG in base64', /iVBORw0KGgo/],
  ['WebP in base64', /UklGR[A-Za-z0-9+/]{9}V0VCU/],
  ['image as an address', /data:image\/(?!svg)/],
];

/** The kinds of images that begin anywhere in `bytes`. */
export function imagesIn(bytes: Buffer): string[] {
  const text = bytes.toString('latin1');
  return SIGNS.filter(([, sign]) => sign.test(text)).map(([name]) => name);
}
