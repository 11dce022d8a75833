import type { Random } from './random.ts';

const JUNK: readonly unknown[] = [
  undefined,
  null,
  -1,
  0,
  1,
  2,
  1.5,
  255,
  256,
  32768,
  2 ** 24,
  2 ** 31,
  2 ** 53,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  '',
  'input',
  'node 0',
  {},
  [],
  [1, 1],
  [1, 1, 1],
  new Uint8Array(0),
  new Int8Array(3),
  new Int32Array(5),
  new Float64Array(2),
  new Uint8Array(new SharedArrayBuffer(16)),
  () => 1,
  Symbol('junk'),
  10n,
];

/** A copy of a graph, or of any plain object, with one field, anywhere in it, replaced, slightly changed or cut. */
export function damaged(whole: object, random: Random): unknown {
  return damageAt(whole, random);
}

function damageAt(value: unknown, random: Random): unknown {
  if (random.chance(0.08)) return random.pick(JUNK);
  if (typeof value === 'number') return damageNumber(value, random);
  if (ArrayBuffer.isView(value)) return damageArray(value, random);
  if (Array.isArray(value) && value.length > 0) {
    const at = random.integer(0, value.length - 1);
    if (random.chance(0.1)) return value.filter((_, i) => i !== at);
    return value.map((item, i) => (i === at ? damageAt(item, random) : item));
  }
  if (typeof value === 'object' && value !== null) {
    const keys = Object.keys(value);
    if (keys.length === 0) return random.pick(JUNK);
    const key = random.pick(keys);
    return { ...value, [key]: damageAt(Reflect.get(value, key), random) };
  }
  return random.pick(JUNK);
}

function damageNumber(value: number, random: Random): unknown {
  return random.chance(0.3) ? random.pick(JUNK) : random.pick([value + 1, value - 1, value * 2, -value]);
}

/** Shorter, longer, or with one element at an extreme. */
function damageArray(view: ArrayBufferView, random: Random): unknown {
  if (!(view instanceof Int8Array || view instanceof Uint8Array || view instanceof Int16Array)) {
    return view instanceof Int32Array
      ? view.map(() => random.pick([2 ** 31 - 1, -(2 ** 31), 2 ** 30]))
      : random.pick(JUNK);
  }
  if (random.chance(0.3)) return view.subarray(0, Math.max(0, view.length - 1));
  if (random.chance(0.3)) return random.pick(JUNK);
  const copy = view.slice();
  if (copy.length > 0)
    copy[random.integer(0, copy.length - 1)] = random.pick([0, -1, 127, 255, 31, 32767, -32768]);
  return copy;
}
