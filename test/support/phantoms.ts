/** Phantoms as the network sees them. */
import { PhantomPainter } from '../../src/capture/phantom/draw.ts';
import { areaResample } from '../../src/preprocess/resample.ts';
import { centredSquare } from '../../src/preprocess/square.ts';

/** `count` phantoms, seeds `first`, `first` + 1 …; uint8, side × side × 3 each, centred square. */
export function phantomInputs(count: number, side: number, first = 1): Uint8Array[] {
  const painter = new PhantomPainter();
  return Array.from({ length: count }, (_, i) => {
    const { frame } = painter.draw(first + i);
    return areaResample(frame, centredSquare(frame.width, frame.height), side);
  });
}
