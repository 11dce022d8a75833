/** Everything in the frame that is not the lesion: skin, hair, gel, ruler, light. */
import { type Noise, smoothstep } from './noise.ts';
import { HEIGHT, WIDTH } from './plane.ts';
import type { Random } from './random.ts';
import { drawHairs, drawRulerTicks } from './strokes.ts';
import type { Colour, Tissue } from './tissue.ts';

/** Skin under dermoscopes of several white balances. */
const SKINS: readonly Colour[] = [
  [232, 178, 166],
  [236, 196, 190],
  [226, 170, 140],
  [214, 186, 200],
  [205, 160, 130],
  [224, 152, 150],
];

export function pickSkin(random: Random): Colour {
  const base = SKINS[random.integer(0, SKINS.length - 1)];
  const lightness = random.between(0.92, 1.05);
  const [red, green, blue] = base.map((value) => Math.min(248, value * lightness));
  return [red, green, blue];
}

/** Blotches, fine furrows and a few small pigment spots. */
export function paintSkin(tissue: Tissue, noise: Noise, random: Random): void {
  const blotch = random.between(0.04, 0.14);
  tissue.blood.addField(4, (x, y) => blotch * (0.6 + noise.fractal(x / 85 + 300, y / 85, 4)));
  const freckled = random.chance(0.25) ? random.between(0.15, 0.35) : 0.05;
  tissue.melanin.addField(
    3,
    (x, y) => freckled * smoothstep(0.1, 0.6, noise.fractal(x / 30, y / 30 + 500, 3)),
  );
  const angle = random.between(0, Math.PI);
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  tissue.white.addField(2, (x, y) => {
    const along = (x * cosine + y * sine) / 26;
    const across = (y * cosine - x * sine) / 7;
    return 0.05 + 0.09 * noise.fractal(along + 60, across, 2);
  });
}

export function paintHair(tissue: Tissue, random: Random): void {
  if (random.chance(0.35)) return;
  for (const { points, widths, grey, pigment } of drawHairs(random)) {
    if (grey) tissue.white.addStroke(points, widths, 0.35);
    else tissue.melanin.addStroke(points, widths, pigment);
  }
}

/** Air bubbles in the immersion gel: a bright rim, a glint. */
export function paintBubbles(tissue: Tissue, random: Random): void {
  if (random.chance(0.7)) return;
  for (let i = random.integer(2, 9); i > 0; i--) {
    const centre = { x: random.between(0, WIDTH), y: random.between(0, HEIGHT) };
    const radius = random.between(4, 15);
    const ring = Array.from({ length: 25 }, (_, step) => ({
      x: centre.x + radius * Math.cos((step * Math.PI) / 12),
      y: centre.y + radius * Math.sin((step * Math.PI) / 12),
    }));
    tissue.white.addStroke(ring, [1.6, 1.6], 0.3);
    tissue.melanin.addStroke(ring.slice(2, 12), [1.2, 1.2], 0.25);
    tissue.white.addDisc(
      { x: centre.x - radius * 0.4, y: centre.y - radius * 0.4 },
      radius * 0.22,
      0.5,
      0.75,
    );
  }
}

export function paintRuler(tissue: Tissue, random: Random): void {
  if (random.chance(0.8)) return;
  for (const { points, widths } of drawRulerTicks(random)) tissue.melanin.addStroke(points, widths, 2.4);
}

/** Light falling off towards the corners; now and then the round edge of the dermoscope's field. */
export function paintLight(tissue: Tissue, random: Random): void {
  const falloff = random.between(0.08, 0.3);
  const lamp = { x: WIDTH / 2 + random.between(-40, 40), y: HEIGHT / 2 + random.between(-30, 30) };
  const field = random.chance(0.2) ? random.between(318, 345) : Infinity;
  const corner = Math.hypot(WIDTH, HEIGHT) / 2;
  tissue.light.addField(3, (x, y) => {
    const distance = Math.hypot(x - lamp.x, y - lamp.y) / corner;
    const edge = smoothstep(field + 6, field - 6, Math.hypot(x - WIDTH / 2, y - HEIGHT / 2));
    return (1 - falloff * distance ** 3) * (field === Infinity ? 1 : 0.1 + 0.9 * edge);
  });
}

/** Sensor noise of about one grey level, as a table to draw from. */
export function sensorGrain(random: Random): Float32Array {
  return Float32Array.from(
    { length: 2 ** 16 },
    () => 1.7 * (random.next() + random.next() + random.next() - 1.5),
  );
}
