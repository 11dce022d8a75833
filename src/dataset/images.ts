import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import { RefusedError } from '../errors.ts';

const EXTENSIONS = new Set(['.jpg', '.jpeg', '.png', '.bmp', '.tif', '.tiff', '.webp', '.avif']);
/** Lesion masks bear the names of their images; a folder of them holds no photographs. */
export const MASK_FOLDER = /mask|segmentation/i;

/**
 * Photographs below a folder by image identifier (file name without extension), in any nesting; links are followed,
 * hidden folders and folders of masks are not. The same picture lying twice under one name, as in the archive on
 * Kaggle, counts once.
 * @throws RefusedError `DATASET_DUPLICATE_IMAGE` when two different files have one identifier
 */
export async function findImages(folder: string): Promise<Map<string, string>> {
  const images = new Map<string, string>();
  for await (const file of imageFiles(folder, new Set())) {
    const imageId = path.parse(file).name;
    const first = images.get(imageId);
    if (first === undefined) images.set(imageId, file);
    else await refuseUnlessSame(imageId, first, file);
  }
  return images;
}

async function* imageFiles(folder: string, visited: Set<string>): AsyncGenerator<string> {
  const own = await realpath(folder);
  if (visited.has(own)) return;
  visited.add(own);
  const entries = await readdir(folder, { withFileTypes: true });
  for (const entry of entries.sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const file = path.join(folder, entry.name);
    if (entry.isDirectory() || (entry.isSymbolicLink() && (await isFolder(file)))) {
      if (!entry.name.startsWith('.') && !MASK_FOLDER.test(entry.name)) yield* imageFiles(file, visited);
    } else if (EXTENSIONS.has(path.extname(entry.name).toLowerCase()) && !entry.name.startsWith('.')) {
      yield file;
    }
  }
}

async function isFolder(link: string): Promise<boolean> {
  try {
    return (await stat(link)).isDirectory();
  } catch {
    return false;
  }
}

async function refuseUnlessSame(imageId: string, first: string, second: string): Promise<void> {
  const [one, other] = await Promise.all([readFile(first), readFile(second)]);
  if (one.equals(other)) return;
  throw new RefusedError('DATASET_DUPLICATE_IMAGE', `Two different images are called ${imageId}`, {
    file: first,
    received: second,
    remedy: 'keep one of them; lesion masks belong into a folder called masks',
  });
}
