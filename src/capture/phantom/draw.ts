import type { RgbFrame } from '../../frame.ts';
import { Lesion } from './lesion.ts';
import { LOOKS } from './looks.ts';
import { Noise } from './noise.ts';
import { HEIGHT, Plane, WIDTH } from './plane.ts';
import { Random } from './random.ts';
import {
  paintBubbles,
  paintHair,
  paintLight,
  paintRuler,
  paintSkin,
  pickSkin,
  sensorGrain,
} from './surroundings.ts';
import { Tissue } from './tissue.ts';

/** Draws phantoms one after the other with the same working memory. */
export class PhantomPainter {
  readonly #tissue = new Tissue();
  readonly #depths = new Plane();
  readonly #grain = sensorGrain(new Random(1));

  /**
   * Draws a synthetic lesion, 600×450, uint8 RGB. The same seed gives the same pixels.
   * @param look index into `LOOKS`; without it the seed decides
   */
  draw(seed: number, look?: number): { frame: RgbFrame; look: string } {
    const random = new Random(seed);
    const noise = new Noise(random);
    const chosen = LOOKS[look ?? random.integer(0, LOOKS.length - 1)];
    const skin = pickSkin(random);
    const tissue = this.#tissue;
    tissue.clear();
    paintSkin(tissue, noise, random);
    const lesion = new Lesion(chosen.outline, noise, random, this.#depths);
    chosen.paint({ tissue, lesion, noise, random });
    paintHair(tissue, random);
    paintBubbles(tissue, random);
    paintRuler(tissue, random);
    paintLight(tissue, random);
    const rgb = new Uint8Array(WIDTH * HEIGHT * 3);
    tissue.render(rgb, skin, chosen.veilColour, this.#grain);
    return { frame: { rgb, width: WIDTH, height: HEIGHT }, look: chosen.name };
  }
}
