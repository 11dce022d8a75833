import type { Manifest } from '../../model/bundle/contract.ts';
import { counted } from '../../ui/terminal/layout.ts';

/** Where the scales of a bundle come from, for people. */
export function scalesOf({ images }: Manifest['calibration']): string {
  return images === 0 ? 'as trained' : `calibrated on ${counted(images, 'image')}`;
}
