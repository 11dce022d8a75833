import { HEIGHT, Plane, WIDTH } from './plane.ts';

export type Colour = readonly [red: number, green: number, blue: number];

/** How strongly one unit of each pigment absorbs red, green and blue light; melanin browns, blood reddens. */
const MELANIN: Colour = [0.42, 0.78, 0.98];
const BLOOD: Colour = [0.14, 0.95, 0.72];
const SCAR: Colour = [238, 214, 212];

/** exp(−x) for x = 0…12 in steps of 1/256: a frame needs 810,000 of them. */
const STEPS = 256;
const TRANSMITTED = Float32Array.from({ length: 12 * STEPS + 1 }, (_, i) => Math.exp(-i / STEPS));

function transmitted(absorbance: number): number {
  return TRANSMITTED[Math.min(TRANSMITTED.length - 1, (absorbance * STEPS) | 0)];
}

/** The layers that light meets. Amounts of pigment are 0 for bare skin and about 1 for a marked brown or red. */
export class Tissue {
  readonly melanin = new Plane();
  readonly blood = new Plane();
  /** Share of light scattered back above deep pigment: the blue-white veil. */
  readonly veil = new Plane();
  /** Share of light scattered back by scar, keratin or air. */
  readonly white = new Plane();
  /** Brightness, 1 = even light. */
  readonly light = new Plane();

  clear(): void {
    for (const plane of [this.melanin, this.blood, this.veil, this.white, this.light]) plane.clear();
  }

  /** Renders to uint8 RGB. `grain`: a table of sensor noise in grey levels, of a length that is a power of two. */
  render(rgb: Uint8Array, skin: Colour, veilColour: Colour, grain: Float32Array): void {
    const mask = grain.length - 1;
    for (let at = 0; at < WIDTH * HEIGHT; at++) {
      const melanin = Math.max(0, this.melanin.values[at]);
      const blood = Math.max(0, this.blood.values[at]);
      const veil = Math.min(0.85, Math.max(0, this.veil.values[at]));
      const white = Math.min(0.92, Math.max(0, this.white.values[at]));
      const light = this.light.values[at];
      const noise = grain[(at * 7919) & mask];
      for (let channel = 0; channel < 3; channel++) {
        const absorbed = skin[channel] * transmitted(melanin * MELANIN[channel] + blood * BLOOD[channel]);
        const veiled = absorbed + (veilColour[channel] - absorbed) * veil;
        const scattered = veiled + (SCAR[channel] - veiled) * white;
        const value = light * scattered + noise + grain[(at * 3 + channel * 977) & mask] * 0.5;
        rgb[3 * at + channel] = value < 1 ? 1 : value > 254 ? 254 : value;
      }
    }
  }
}
