/**
 * The body as a map of places that can be touched: a drawing of the project's own, no likeness of anybody. Every place is at
 * least 48 units wide and high, which are at least as many pixels on each display, so the head is drawn again beside, larger.
 * One half is given; the other is its mirror.
 */
import type { BodySite } from '../../words.ts';

export type Side = 'front' | 'back';

/** Units of the drawing. */
export const MAP = { width: 400, height: 392 } as const;

interface Region {
  readonly site: BodySite;
  /** An outline in the drawing's units. */
  readonly path: string;
}

/** Centre of the body, and of the larger head. */
const BODY = 120;
const HEAD = 318;

type Point = readonly [number, number];

/** Corners with straight sides; the stroke rounds them. */
function outline(points: readonly Point[], centre: number, mirrored = false): string {
  const at = ([x, y]: Point) => `${centre + (mirrored ? -x : x)} ${y}`;
  return `M${points.map(at).join('L')}Z`;
}

/** From the middle outwards, the viewer's right half. */
const LIMBS: Readonly<Record<string, readonly Point[]>> = {
  shoulder: [
    [53, 62],
    [84, 68],
    [103, 92],
    [104, 112],
    [55, 112],
  ],
  'upper-arm': [
    [56, 116],
    [104, 116],
    [107, 164],
    [59, 164],
  ],
  forearm: [
    [60, 168],
    [108, 168],
    [111, 216],
    [63, 216],
  ],
  hand: [
    [63, 220],
    [112, 220],
    [116, 250],
    [104, 268],
    [70, 268],
    [62, 246],
  ],
  thigh: [
    [2, 222],
    [51, 222],
    [52, 278],
    [3, 278],
  ],
  'lower-leg': [
    [3, 282],
    [52, 282],
    [52, 338],
    [4, 338],
  ],
  foot: [
    [4, 342],
    [52, 342],
    [62, 372],
    [60, 390],
    [4, 390],
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
        [24, 60],
        [49, 62],
        [51, 112],
      ],
      BODY,
    ),
    middle(
      'abdomen',
      [
        [51, 116],
        [47, 140],
        [48, 168],
      ],
      BODY,
    ),
    middle(
      'genital-region',
      [
        [49, 172],
        [52, 218],
      ],
      BODY,
    ),
  ],
  back: [
    middle(
      'upper-back',
      [
        [24, 60],
        [49, 62],
        [51, 112],
      ],
      BODY,
    ),
    middle(
      'lower-back',
      [
        [51, 116],
        [47, 140],
        [48, 168],
      ],
      BODY,
    ),
    middle(
      'buttock',
      [
        [49, 172],
        [52, 218],
      ],
      BODY,
    ),
  ],
};

function head(side: Side): Region[] {
  const ear: readonly Point[] = [
    [48, 76],
    [78, 70],
    [78, 118],
    [50, 124],
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
export const SMALL_HEAD = { x: BODY, y: 28, radius: 22 } as const;
