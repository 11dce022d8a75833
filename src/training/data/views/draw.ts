import type { Augmentation } from '../augmentation.ts';
import { throughCamera } from './camera.ts';
import { IDENTITY, type Rectangle, type Transform, type View } from './view.ts';

/**
 * Draws what a view shows.
 * @param random uniform in [0, 1); the same stream gives the same view
 * @param greyGains factors that make the training split grey on average
 */
export function drawView(
  augmentation: Augmentation,
  random: () => number,
  greyGains: readonly [number, number, number],
): View {
  const { luminance, contrast, greyWorld } = augmentation;
  const between = ([low, high]: readonly [number, number]) => low + (high - low) * random();
  const chance = (probability: number) => random() < probability;

  const transform = drawTransform(augmentation, random);
  const lit = chance(luminance.probability);
  const byGamma = chance(luminance.gammaShare);
  const factor = between(luminance.factor);
  const gamma = between(luminance.gamma);
  const contrasted = chance(contrast.probability);
  const contrastFactor = between(contrast.factor);
  const greyed = chance(greyWorld.probability);
  const strength = between(greyWorld.strength);
  const [red, green, blue] = greyGains;
  const view: View = {
    ...IDENTITY,
    transform,
    gains: greyed ? [red ** strength, green ** strength, blue ** strength] : [1, 1, 1],
    factor: lit && !byGamma ? factor : 1,
    gamma: lit && byGamma ? gamma : 1,
    contrast: contrasted ? contrastFactor : 1,
    erased: drawErased(augmentation.erasing, random),
  };
  return augmentation.camera === undefined ? view : throughCamera(view, augmentation.camera, random);
}

/** Rotation × shear × scale × flip. */
function drawTransform({ geometry, flip }: Augmentation, random: () => number): Transform {
  const around = (extent: number) => extent * (2 * random() - 1);
  const logarithmic = ([low, high]: readonly [number, number]) => low * (high / low) ** random();
  const mirror = (probability: number) => (random() < probability ? -1 : 1);

  const horizontal = mirror(flip.horizontal);
  const vertical = mirror(flip.vertical);
  const jittered = random() < geometry.probability;
  const rotation = (around(geometry.rotation) * Math.PI) / 180;
  const shear = Math.tan((around(geometry.shear) * Math.PI) / 180);
  const scale = logarithmic(geometry.scale);
  const aspect = Math.sqrt(logarithmic(geometry.aspect));
  const x = around(geometry.shift);
  const y = around(geometry.shift);
  if (!jittered) return { xu: horizontal, xv: 0, x: 0, yu: 0, yv: vertical, y: 0 };

  const [cosine, sine] = [Math.cos(rotation), Math.sin(rotation)];
  const across = scale * aspect * horizontal;
  const down = (scale / aspect) * vertical;
  return {
    xu: cosine * across,
    xv: (cosine * shear - sine) * down,
    x,
    yu: sine * across,
    yv: (sine * shear + cosine) * down,
    y,
  };
}

function drawErased(erasing: Augmentation['erasing'], random: () => number): Rectangle | null {
  const chosen = random() < erasing.probability;
  const area = erasing.area[0] + (erasing.area[1] - erasing.area[0]) * random();
  const aspect = Math.sqrt(erasing.aspect[0] * (erasing.aspect[1] / erasing.aspect[0]) ** random());
  const width = Math.min(1, Math.sqrt(area) * aspect);
  const height = Math.min(1, Math.sqrt(area) / aspect);
  const left = random() * (1 - width);
  const top = random() * (1 - height);
  return chosen ? { left, top, right: left + width, bottom: top + height } : null;
}
