/** How bright the working square is, and how much of it too bright. */

export interface Exposure {
  /** What the brightest channel of one pixel in twenty exceeds, 0…255: dark skin is bright in red. */
  readonly highlight: number;
  /** Share of pixels with two channels at 250 or more, 0…1: under warm light red alone reaches that, and lesions show. */
  readonly saturatedShare: number;
}

/** From here on a value is taken for one that was cut off: noise and compression move it down from 255. */
const SATURATED = 250;

/** @param rgb of any size, row, column, channel */
export function exposureOf(rgb: Uint8Array): Exposure {
  const counts = new Int32Array(256);
  let saturated = 0;
  for (let i = 0; i < rgb.length; i += 3) {
    const [red, green, blue] = [rgb[i], rgb[i + 1], rgb[i + 2]];
    counts[Math.max(red, green, blue)]++;
    if (Number(red >= SATURATED) + Number(green >= SATURATED) + Number(blue >= SATURATED) >= 2) saturated++;
  }
  const pixels = rgb.length / 3;
  let highlight = 255;
  for (let above = counts[highlight]; 20 * above <= pixels && highlight > 0; above += counts[highlight])
    highlight--;
  return { highlight, saturatedShare: saturated / pixels };
}
