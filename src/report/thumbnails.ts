import sharp from 'sharp';

/** Longest side of a thumbnail, pixels. */
const SIDE = 240;

/** A small upright JPEG of an image file as a data URI; null when it cannot be decoded. */
export async function thumbnailOf(file: string): Promise<string | null> {
  try {
    const jpeg = await sharp(file)
      .rotate()
      .resize(SIDE, SIDE, { fit: 'inside', withoutEnlargement: true })
      .jpeg({ quality: 82 })
      .toBuffer();
    return `data:image/jpeg;base64,${jpeg.toString('base64')}`;
  } catch {
    return null;
  }
}
