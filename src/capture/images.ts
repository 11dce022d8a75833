import { readdir } from 'node:fs/promises';
import path from 'node:path';

const IMAGE = /\.(jpe?g|png|webp|tiff?|gif|bmp|avif|heic|heif|jp2|jxl|dcm|dicom)$/i;

export interface ImageListing {
  /** Files that call themselves images, in the order of their paths. */
  readonly images: readonly string[];
  /** Folders below that could not be listed. */
  readonly unreadable: readonly string[];
}

/**
 * Every image below a folder, at any depth, sorted by name within each folder. Links to files are listed, links to
 * folders are not followed. Rejects with the system's error when the folder itself cannot be listed.
 */
export async function listImages(folder: string): Promise<ImageListing> {
  const images: string[] = [];
  const unreadable: string[] = [];
  const visit = async (current: string): Promise<void> => {
    const entries = await readdir(current, { withFileTypes: true });
    entries.sort((a, b) => (a.name < b.name ? -1 : 1));
    for (const entry of entries) {
      const place = path.join(current, entry.name);
      if (entry.isDirectory()) await visit(place).catch(() => unreadable.push(place));
      else if (IMAGE.test(entry.name)) images.push(place);
    }
  };
  await visit(folder);
  return { images, unreadable };
}
