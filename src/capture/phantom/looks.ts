import type { Outline } from './lesion.ts';
import type { Drawing } from './structures.ts';
import * as draw from './structures.ts';
import type { Colour } from './tissue.ts';

/** How one kind of lesion looks. The name is the class whose looks it borrows: a drawing, not a diagnosis. */
export interface Look {
  readonly name: string;
  readonly outline: Outline;
  /** Colour of deep pigment seen through the skin. */
  readonly veilColour: Colour;
  paint(drawing: Drawing): void;
}

const SLATE: Colour = [126, 134, 162];

export const LOOKS: readonly Look[] = [
  {
    name: 'nv',
    outline: { lobes: 1, irregularity: 0.12, fuzziness: 0.4, radius: [85, 150] },
    veilColour: SLATE,
    paint(drawing) {
      const { tissue, random } = drawing;
      const dark = random.between(0.25, 0.55);
      draw.pigment(drawing, tissue.melanin, { even: dark, patchy: 0.25, centre: random.between(0, 0.7) });
      draw.pigment(drawing, tissue.blood, { even: 0.15, patchy: 0.1, centre: 0.1 });
      draw.pigmentNetwork(drawing, { mesh: random.between(10, 14), amount: 0.7, from: 0.02, to: 0.7 });
      if (random.chance(0.5)) {
        draw.globules(drawing, { count: 40, radius: [2.5, 5], amount: 0.5, depth: 0.1 });
      }
    },
  },
  {
    name: 'mel',
    outline: { lobes: 3, irregularity: 0.3, fuzziness: 0.12, radius: [100, 160] },
    veilColour: SLATE,
    paint(drawing) {
      const { tissue, random } = drawing;
      draw.pigment(drawing, tissue.melanin, { even: 0.6, patchy: random.between(1.1, 2.1), centre: 0.3 });
      draw.pigment(drawing, tissue.blood, { even: 0.1, patchy: 0.35, centre: 0, scale: 45 });
      draw.pigmentNetwork(drawing, { mesh: 15, amount: 0.9, from: 0, to: 0.35 });
      draw.blueWhiteVeil(drawing, random.between(0.25, 0.55));
      draw.streaks(drawing, random.integer(15, 60), 1.1);
      draw.globules(drawing, { count: 35, radius: [2, 7], amount: 1.1, depth: 0.05 });
    },
  },
  {
    name: 'bkl',
    outline: { lobes: 2, irregularity: 0.24, fuzziness: 0.07, radius: [100, 165] },
    veilColour: SLATE,
    paint(drawing) {
      const { tissue, random } = drawing;
      draw.pigment(drawing, tissue.melanin, {
        even: 0.28,
        patchy: random.between(0.15, 0.5),
        centre: 0,
        scale: 35,
      });
      draw.furrows(drawing, random.between(0.2, 0.5));
      draw.keratin(drawing, random.integer(8, 26), random.integer(4, 22));
      draw.scale(drawing, 0.25);
    },
  },
  {
    name: 'bcc',
    outline: { lobes: 2, irregularity: 0.16, fuzziness: 0.3, radius: [110, 170] },
    veilColour: SLATE,
    paint(drawing) {
      const { tissue, random } = drawing;
      draw.pigment(drawing, tissue.blood, { even: 0.2, patchy: 0.25, centre: 0.1 });
      draw.pigment(drawing, tissue.white, { even: 0.08, patchy: 0.22, centre: 0 });
      draw.arborisingVessels(drawing, random.integer(2, 4), 0.75);
      draw.ovoidNests(drawing, random.integer(6, 22));
      if (random.chance(0.5)) {
        const ulcer = drawing.lesion.pointInside(0.3);
        tissue.blood.addDisc(ulcer, random.between(12, 24), 0.7, 0.9);
        tissue.melanin.addDisc(ulcer, random.between(8, 16), 0.8, 0.5);
      }
    },
  },
  {
    name: 'akiec',
    outline: { lobes: 2, irregularity: 0.28, fuzziness: 0.35, radius: [110, 175] },
    veilColour: SLATE,
    paint(drawing) {
      const { tissue, random } = drawing;
      draw.pigment(drawing, tissue.blood, { even: 0.1, patchy: 0.25, centre: 0 });
      draw.strawberryPattern(drawing, random.between(0.15, 0.35));
      draw.pigment(drawing, tissue.melanin, {
        even: 0,
        patchy: random.between(0.1, 0.5),
        centre: 0,
        scale: 30,
      });
      draw.scale(drawing, random.between(0.35, 0.6));
    },
  },
  {
    name: 'df',
    outline: { lobes: 1, irregularity: 0.06, fuzziness: 0.6, radius: [95, 145] },
    veilColour: SLATE,
    paint(drawing) {
      const { tissue, random } = drawing;
      draw.pigment(drawing, tissue.melanin, { even: random.between(0.3, 0.5), patchy: 0.1, centre: -0.2 });
      draw.pigment(drawing, tissue.blood, { even: 0.08, patchy: 0.05, centre: 0.15 });
      draw.pigmentNetwork(drawing, { mesh: 9, amount: 0.35, from: -0.1, to: 0.5 });
      draw.centralScar(drawing);
    },
  },
  {
    name: 'vasc',
    outline: { lobes: 1, irregularity: 0.08, fuzziness: 0.1, radius: [85, 145] },
    veilColour: [150, 105, 170],
    paint(drawing) {
      const { tissue, random } = drawing;
      draw.pigment(drawing, tissue.blood, { even: random.between(0.5, 0.8), patchy: 0.4, centre: 0.1 });
      draw.blueWhiteVeil(drawing, random.between(0.3, 0.6));
      draw.lacunae(drawing, random.integer(14, 34));
    },
  },
];
