/** Frames of nothing: what a capture shows when the dermoscope is not on a lesion. */
import { seedOf } from '../../../capture/phantom/random.ts';
import type { RgbFrame } from '../../../frame.ts';
import { BlankSkin, face, foliage, hand } from './living.ts';
import { cloth, grains, metal, paper, text, tiles, wall, wood } from './materials.ts';
import { type Dice, diceOf, photographed, type Scene } from './scene.ts';
import { noisePattern, pattern, screen, sky, WrongColours } from './signals.ts';

const SCENES = {
  wall,
  cloth,
  wood,
  paper,
  text,
  tiles,
  metal,
  grains,
  hand,
  face,
  foliage,
  noise: noisePattern,
  pattern,
  screen,
  sky,
} as const satisfies Record<string, (dice: Dice) => Scene>;

type SceneName = keyof typeof SCENES;
const isScene = (kind: string): kind is SceneName => Object.hasOwn(SCENES, kind);

const OTHERS = ['blank-skin', 'negative', 'channels-swapped'] as const;

/** Every kind that is drawn. */
export const NOTHING_KINDS = [...(Object.keys(SCENES) as SceneName[]), ...OTHERS] as const;
export type NothingKind = (typeof NOTHING_KINDS)[number];

/** Draws frames of nothing one after the other with the same working memory. */
export class NothingPainter {
  readonly #skin = new BlankSkin();
  readonly #wrong = new WrongColours();

  /** uint8 RGB, 320×240 or a phantom's size. The same kind, seed and index give the same pixels. */
  draw(kind: NothingKind, seed: number, index: number): RgbFrame {
    const own = seedOf(seed ^ Math.imul(NOTHING_KINDS.indexOf(kind) + 1, 0x9e37_79b1), index);
    if (isScene(kind)) {
      const dice = diceOf(own);
      return photographed(dice, SCENES[kind](dice));
    }
    switch (kind) {
      case 'blank-skin':
        return this.#skin.draw(own);
      case 'negative':
        return this.#wrong.negative(own);
      case 'channels-swapped':
        return this.#wrong.swapped(own);
    }
  }
}
