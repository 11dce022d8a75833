/** A data set for the tiny model: drawn lesions of two classes, three splits, some lesions photographed twice. */
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { drawnLesion, imageOf } from './drawn-lesion.ts';

const SPLITS = ['train', 'val', 'test'] as const;

/** Writes `count` images of 200×160 below `folder`, with HAM10000's two CSVs. */
export async function writeTinyDataset(folder: string, count: number): Promise<void> {
  const metadata = ['lesion_id,image_id,dx'];
  const splits = ['image_id,split'];
  await mkdir(path.join(folder, 'images/part_1'), { recursive: true });
  for (let i = 0; i < count; i++) {
    const lesion = i >> 1;
    const imageId = `ISIC_${String(i).padStart(4, '0')}`;
    metadata.push(`HAM_${lesion},${imageId},${lesion % 2 === 0 ? 'benign' : 'malign'}`);
    splits.push(`${imageId},${SPLITS[lesion % 3]}`);
    const frame = drawnLesion(200, 160, [0.35 + 0.3 * ((i * 0.37) % 1), 0.35 + 0.3 * ((i * 0.61) % 1)]);
    await writeFile(
      path.join(folder, `images/part_1/${imageId}.jpg`),
      await imageOf({ ...frame, rgb: frame.rgb.map((value) => Math.max(5, value - ((i * 13) % 60))) })
        .jpeg()
        .toBuffer(),
    );
  }
  await writeFile(path.join(folder, 'HAM10000_metadata.csv'), `${metadata.join('\n')}\n`);
  await writeFile(path.join(folder, 'split_lesion.csv'), `${splits.join('\n')}\n`);
}
