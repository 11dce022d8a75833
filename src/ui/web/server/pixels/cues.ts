/** What a view says of itself before anybody presses: whether it is sharp, how bright, and where the field is. */
import type { Frame } from '../../../../frame.ts';
import type { Preprocessing } from '../../../../model/bundle/contract.ts';
import { type Field, fieldOf } from '../../../../preprocess/field.ts';
import { focusShareOf, measureQuality, retakeReasons } from '../../../../preprocess/quality.ts';
import type { Exposure } from '../../words.ts';

export interface Cues {
  /** Share of the sharpness that a capture needs. */
  readonly focus: number;
  readonly exposure: Exposure;
  readonly field: Field;
}

/** The worst first. */
const EXPOSURES_SAID = ['dark', 'bright', 'clipped', 'flat'] as const;

/**
 * By the integrity check of captures, on a frame that may be a reduced one.
 * @throws RefusedError `FRAME_SIZE`
 */
export function cuesOf(frame: Frame, limits: Preprocessing['quality']): Cues {
  const field = fieldOf(frame);
  const quality = measureQuality(frame, field);
  const reasons: readonly string[] = retakeReasons(quality, limits);
  return {
    focus: focusShareOf(quality, limits),
    exposure: EXPOSURES_SAID.find((each) => reasons.includes(each)) ?? 'good',
    field,
  };
}

/** As the header has it: shares of width, height and width; `none` for a frame without a round field. */
export function fieldHeader({ circle }: Field, { width, height }: Pick<Frame, 'width' | 'height'>): string {
  if (circle === null) return 'none';
  return [circle.x / width, circle.y / height, circle.radius / width].map(shown).join(',');
}

export function shown(share: number): string {
  return share.toFixed(4);
}
