/**
 * Light that training has not seen. The mean colour of a skin image tells the light and the camera's balance besides the
 * skin (grey world: Buchsbaum 1980; in dermoscopy Barata, Celebi, Marques 2015). Correcting every image costs what colour
 * says of the lesion; so only a colour farther from training than nearly all of its images is brought back, and no farther
 * than to where they end (docs/design/preprocessing.md).
 */
import type { Frame, Square } from '../frame.ts';
import type { ModelContents } from '../model/bundle/bundle.ts';
import type { LightSection } from '../model/bundle/light-section.ts';
import { type Field, fieldOf, inputOf } from './field.ts';

/** Natural logarithms of red over green and of blue over green. */
export type Chromaticity = readonly [red: number, blue: number];

/** What each byte of red, green and blue becomes. */
export type LightTables = readonly [Uint8Array, Uint8Array, Uint8Array];

/** @param input uint8 RGB; a channel that is black throughout counts as one */
export function chromaticityOf(input: Uint8Array): Chromaticity {
  const [red, green, blue] = channelSums(input);
  return [Math.log(red / green), Math.log(blue / green)];
}

/** Mahalanobis distance of a light from those of training. */
export function lightDistance(
  { mean, precision: [red, both, blue] }: Pick<LightSection, 'mean' | 'precision'>,
  chromaticity: Chromaticity,
): number {
  const [x, y] = [chromaticity[0] - mean[0], chromaticity[1] - mean[1]];
  return Math.sqrt(Math.max(0, red * x * x + 2 * both * x * y + blue * y * y));
}

/**
 * What brings the light of an image back to the limit, the mean of all its bytes kept.
 * @param whole uint8 RGB, the whole square of a field as the network would read it
 * @returns null where the light is one that training has seen, or the bundle does not say
 */
export function lightTablesOf(section: LightSection | undefined, whole: Uint8Array): LightTables | null {
  if (section === undefined) return null;
  const chromaticity = chromaticityOf(whole);
  const distance = lightDistance(section, chromaticity);
  if (distance <= section.limit) return null;
  const share = 1 - section.limit / distance;
  const red = Math.exp(share * (section.mean[0] - chromaticity[0]));
  const blue = Math.exp(share * (section.mean[1] - chromaticity[1]));
  const sums = channelSums(whole);
  const level = (sums[0] + sums[1] + sums[2]) / (red * sums[0] + sums[1] + blue * sums[2]);
  return [tableOf(red * level), tableOf(level), tableOf(blue * level)];
}

/** @returns the image in the other light: a new array, or the same one where there is nothing to change */
export function inLight(tables: LightTables | null, input: Uint8Array): Uint8Array {
  if (tables === null) return input;
  const [red, green, blue] = tables;
  const balanced = new Uint8Array(input.length);
  for (let i = 0; i < input.length; i += 3) {
    balanced[i] = red[input[i]];
    balanced[i + 1] = green[input[i + 1]];
    balanced[i + 2] = blue[input[i + 2]];
  }
  return balanced;
}

/**
 * Exactly what the network reads of a frame.
 * @param square what is read of it; null for the whole field
 * @returns uint8 RGB, of the size that the bundle says
 */
export function networkInput(
  { preprocessing: { width }, light }: Pick<ModelContents, 'preprocessing' | 'light'>,
  frame: Frame,
  square: Square | null,
): Uint8Array {
  const field = fieldOf(frame);
  const tables = fieldLight(light, frame, field, width);
  return inLight(tables, inputOf(frame, field, square ?? field.square, width));
}

/**
 * As `lightTablesOf`, of a frame whose whole field is not read for anything else.
 * @param side of what the network reads, pixels
 */
export function fieldLight(
  section: LightSection | undefined,
  frame: Frame,
  field: Field,
  side: number,
): LightTables | null {
  return section === undefined ? null : lightTablesOf(section, inputOf(frame, field, field.square, side));
}

function channelSums(input: Uint8Array): [number, number, number] {
  let [red, green, blue] = [0, 0, 0];
  for (let i = 0; i < input.length; i += 3) {
    red += input[i];
    green += input[i + 1];
    blue += input[i + 2];
  }
  return [Math.max(1, red), Math.max(1, green), Math.max(1, blue)];
}

function tableOf(gain: number): Uint8Array {
  return Uint8Array.from({ length: 256 }, (_, value) => Math.min(255, Math.round(gain * value)));
}
