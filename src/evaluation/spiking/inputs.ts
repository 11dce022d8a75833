import { PhantomPainter } from '../../capture/phantom/draw.ts';
import type { Frame } from '../../frame.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { decodeImage } from '../../preprocess/decode.ts';
import { networkInput } from '../../preprocess/light.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { createClassifier } from '../../runtime/inference/classifier.ts';

/** One image as the network sees it. */
export interface SimulatedImage {
  /** uint8 of the graph's input shape. */
  readonly input: Uint8Array;
  /** Index of the true class, null where nobody says. */
  readonly label: number | null;
}

/** Brings frames and files to the network's input as a reading does, its crop included; nothing is sent back. */
export function inputReader(
  bundle: ModelBundle,
  engine: Engine,
): (image: Frame | string) => Promise<Uint8Array> {
  const classifier = createClassifier(bundle, engine, { tiling: false, integrityCheck: false });
  return async (image) => {
    const frame = typeof image === 'string' ? await decodeImage(image) : image;
    const { reading } = await classifier.classify(frame);
    return networkInput(bundle, frame, reading.crop);
  };
}

/** Generated phantoms, one per seed from 0. */
export function* phantomFrames(count: number): Generator<Frame> {
  const painter = new PhantomPainter();
  for (let seed = 0; seed < count; seed++) yield painter.draw(seed).frame;
}
