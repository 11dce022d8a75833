/** The images of a conversion: those that it is calibrated on, and those that judge it. */
import type { CalibrationSet } from '../../conversion/calibration/images.ts';
import {
  evenlySpaced,
  findCalibrationImages,
  loadImages,
  onlySplit,
} from '../../conversion/calibration/images.ts';
import type { JudgedImages } from '../../conversion/scrutiny/agreement.ts';
import type { Shape } from '../../model/graph.ts';
import { note, startProgress } from '../../ui/terminal/console.ts';
import type { ConvertOptions } from './options.ts';

export interface LoadedImages {
  readonly calibration: CalibrationSet;
  /** Images to compare both networks on: others than those of the calibration, where the folder holds more. */
  readonly judged: JudgedImages;
}

/** Images that both networks read in the end. */
const JUDGED = 48;

/** @throws RefusedError `CALIBRATION_*`, UsageError `SPLIT_FILE` */
export async function loadCalibration(
  folder: string,
  options: Pick<ConvertOptions, 'splitFile' | 'split' | 'images'>,
  shape: Shape,
): Promise<LoadedImages> {
  const found = await findCalibrationImages(folder);
  const chosen = options.splitFile ? await onlySplit(found, options.splitFile, options.split) : found;
  const sample = evenlySpaced(chosen, options.images);
  const used = new Set(sample);
  const others = evenlySpaced(
    chosen.filter((file) => !used.has(file)),
    JUDGED,
  );
  const progress = startProgress('Reading images', sample.length + others.length);
  const load = (files: readonly string[]) => loadImages(files, shape, () => progress.advance());
  try {
    const calibration = await load(sample);
    for (const refused of calibration.refused) note(`Left out: ${refused.describe()}`);
    const heldOut = others.length === 0 ? null : await load(others).catch(() => null);
    const judged =
      heldOut === null
        ? { images: evenlySpaced(calibration.images, JUDGED), isHeldOut: false }
        : { images: heldOut.images, isHeldOut: true };
    return { calibration, judged };
  } finally {
    progress.stop();
  }
}
