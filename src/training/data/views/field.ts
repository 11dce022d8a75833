import type { Triple } from '../../../colour.ts';
import type { Field } from './view.ts';

/** Black outside a disc, over the pixels of a square. The edge is a pixel wide at least. */
export function withField(
  colours: readonly Triple[],
  { centre, radius, softness }: Field,
  size: number,
): Triple[] {
  const ramp = Math.max(1, softness * size);
  return colours.map(([red, green, blue], at) => {
    const x = (at % size) + 0.5 - (0.5 + centre.u) * size;
    const y = Math.floor(at / size) + 0.5 - (0.5 + centre.v) * size;
    const seen = Math.min(1, Math.max(0, (radius * size - Math.hypot(x, y)) / ramp + 0.5));
    return [red * seen, green * seen, blue * seen];
  });
}
