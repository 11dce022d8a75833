/**
 * The body as a map of places that can be touched: a drawing of the project's own, no likeness of anybody. Every place is at
 * least 48 units wide and high, which are at least as many pixels on each display, so the head is drawn again beside,
 * larger. One half is given; the other is its mirror.
 */
import type { BodySite } from '../../words.ts';

export type Side = 'front' | 'back';

/** Units of the drawing. */
export const MAP = { width: 440, height: 378 } as const;

interface Region {
  readonly site: BodySite;
  /** An outline in the drawing's units. */
  readonly path: string;
}

/** Centre of the body, and of the larger head. */
const BODY = 120;
const HEAD = 338;

type Point = readonly [number, number];

/** Units by which corners are rounded. */
const ROUNDING = 11;

/** A closed line through all points, round at its corners. */
function outline(points: readonly Point[], centre: number, mirrored = false): string {
  const placed = points.map(([x, y]): Point => [centre + (mirrored ? -x : x), y]);
  const steps = placed.map((corner, i) => {
    const before = towards(corner, placed.at(i - 1) ?? corner);
    const after = towards(corner, placed[(i + 1) % placed.length]);
    return `${i === 0 ? 'M' : 'L'}${before.join(' ')}Q${corner.join(' ')} ${after.join(' ')}`;
  });
  return `${steps.join('')}Z`;
}

/** The point where the rounding of a corner begins, on the way to its neighbour; at most half of the way. */
function towards([x, y]: Point, [otherX, otherY]: Point): Point {
  const length = Math.hypot(otherX - x, otherY - y);
  const share = length === 0 ? 0 : Math.min(ROUNDING / length, 0.5);
  return [round(x + share * (otherX - x)), round(y + share * (otherY - y))];
}

function round(value: number): number {
  return Math.round(10 * value) / 10;
}

/** From the middle outwards, the viewer's right half. */
const LIMBS: Readonly<Record<string, readonly Point[]>> = {
  shoulder: [
    [53, 48],
    [84, 54],
    [103, 78],
    [104, 98],
    [55, 98],
  ],
  'upper-arm': [
    [56, 102],
    [104, 102],
    [107, 150],
    [59, 150],
  ],
  forearm: [
    [60, 154],
    [108, 154],
    [111, 202],
    [63, 202],
  ],
  hand: [
    [63, 206],
    [112, 206],
    [116, 236],
    [104, 254],
    [70, 254],
    [62, 232],
  ],
  thigh: [
    [2, 208],
    [51, 208],
    [52, 264],
    [3, 264],
  ],
  'lower-leg': [
    [3, 268],
    [52, 268],
    [52, 324],
    [4, 324],
  ],
  foot: [
    [4, 328],
    [52, 328],
    [62, 358],
    [60, 376],
    [4, 376],
  ],
};

/** Both halves; each side sees the patient's right on the other hand. */
function limbs(side: Side): Region[] {
  return Object.entries(LIMBS).flatMap(([name, points]) =>
    ([false, true] as const).map((mirrored) => {
      const isRight = side === 'front' ? mirrored : !mirrored;
      return { site: siteOf(name, isRight), path: outline(points, BODY, mirrored) };
    }),
  );
}

function siteOf(name: string, isRight: boolean): BodySite {
  return `${name}-${isRight ? 'right' : 'left'}` as BodySite;
}

/** Both halves of what lies in the middle, from the right half. */
function middle(site: BodySite, half: readonly Point[], centre: number): Region {
  const other = half.map(([x, y]): Point => [-x, y]).toReversed();
  return { site, path: outline([...half, ...other], centre) };
}

const TRUNK: Readonly<Record<Side, readonly Region[]>> = {
  front: [
    middle(
      'chest',
      [
        [24, 46],
        [49, 48],
        [51, 98],
      ],
      BODY,
    ),
    middle(
      'abdomen',
      [
        [51, 102],
        [47, 126],
        [48, 154],
      ],
      BODY,
    ),
    middle(
      'groin',
      [
        [49, 157],
        [52, 206],
      ],
      BODY,
    ),
  ],
  back: [
    middle(
      'upper-back',
      [
        [24, 46],
        [49, 48],
        [51, 98],
      ],
      BODY,
    ),
    middle(
      'lower-back',
      [
        [51, 102],
        [47, 126],
        [48, 154],
      ],
      BODY,
    ),
    middle(
      'buttock',
      [
        [49, 157],
        [52, 206],
      ],
      BODY,
    ),
  ],
};

function head(side: Side): Region[] {
  const ear: readonly Point[] = [
    [49, 74],
    [86, 66],
    [98, 82],
    [94, 112],
    [74, 126],
    [50, 120],
  ];
  const ears = ([false, true] as const).map((mirrored): Region => {
    const isRight = side === 'front' ? mirrored : !mirrored;
    return { site: siteOf('ear', isRight), path: outline(ear, HEAD, mirrored) };
  });
  const neck = middle(
    'neck',
    [
      [34, 162],
      [34, 190],
      [56, 212],
    ],
    HEAD,
  );
  if (side === 'back') {
    return [
      ...ears,
      middle(
        'scalp',
        [
          [22, 14],
          [44, 40],
          [45, 110],
          [36, 158],
        ],
        HEAD,
      ),
      neck,
    ];
  }
  return [
    ...ears,
    middle(
      'scalp',
      [
        [20, 12],
        [42, 34],
        [45, 66],
      ],
      HEAD,
    ),
    middle(
      'face',
      [
        [45, 70],
        [45, 112],
        [26, 158],
      ],
      HEAD,
    ),
    neck,
  ];
}

export const REGIONS: Readonly<Record<Side, readonly Region[]>> = {
  front: [...head('front'), ...TRUNK.front, ...limbs('front')],
  back: [...head('back'), ...TRUNK.back, ...limbs('back')],
};

/** The small head on the body, which is only to be seen. */
export const SMALL_HEAD = { x: BODY, y: 22, radius: 19 } as const;
