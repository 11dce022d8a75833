/** What calibration needs to know of each image: its potentials with and without crop, with and without tiling. */

import { mapConcurrently } from '../../concurrently.ts';
import type { Sample } from '../../dataset/dataset.ts';
import type { Frame, Square } from '../../frame.ts';
import type { ModelBundle } from '../../model/bundle/bundle.ts';
import { embeddingShape, pooled } from '../../model/embedding.ts';
import { salientSquare } from '../../preprocess/crop.ts';
import { decodeImage } from '../../preprocess/decode.ts';
import { type Field, fieldOf, inputOf } from '../../preprocess/field.ts';
import { fieldLight, inLight, type LightTables } from '../../preprocess/light.ts';
import { saliencyMapper } from '../../preprocess/saliency.ts';
import { tilesOf } from '../../preprocess/square.ts';
import type { Engine } from '../../runtime/engine/contract.ts';
import { largestIndex, meanPotentials } from '../../runtime/inference/readout.ts';
import { type Unreadable, unreadable } from '../read-split.ts';

/** int32 per class, of the whole square and averaged over its four tiles. */
export interface View {
  readonly whole: Int32Array;
  readonly tiled: Int32Array;
}

/** With the embedding of the whole square: sum of each channel over its places. */
export interface PooledView extends View {
  readonly pooled: Int16Array;
}

export interface Views {
  readonly sample: Sample;
  readonly centred: View;
  /** The salient square; the same as `centred` where the map does not point elsewhere, or there is no map. */
  readonly cropped: View;
}

export interface PooledViews extends Views {
  readonly centred: PooledView;
  readonly cropped: PooledView;
}

/** Looks at every sample in both squares, in one piece and in tiles. Unreadable files are set aside. */
export async function readViews(
  samples: readonly Sample[],
  bundle: ModelBundle,
  engine: Engine,
  onImage?: () => void,
): Promise<{ views: PooledViews[]; unreadable: Unreadable[] }> {
  const look = viewer(bundle, engine);
  const results = await mapConcurrently(samples, async (sample) => {
    try {
      return { sample, ...(await look(await decodeImage(sample.file))) };
    } catch (error) {
      return unreadable(sample, error);
    } finally {
      onImage?.();
    }
  });
  return {
    views: results.filter((result) => 'centred' in result),
    unreadable: results.filter((result) => 'code' in result),
  };
}

interface Scene {
  readonly frame: Frame;
  readonly field: Field;
  readonly light: LightTables | null;
}

function viewer({ graph, preprocessing, readout, light: section }: ModelBundle, engine: Engine) {
  const mapper = saliencyMapper(graph);
  const side = preprocessing.width;
  const channels = embeddingShape(graph)[2];
  const infer = ({ frame, field, light }: Scene, squares: readonly Square[]) => {
    const inputs = squares.map((square) => inLight(light, inputOf(frame, field, square, side)));
    return engine.infer(Buffer.concat(inputs), squares.length);
  };
  const view = async (scene: Scene, square: Square): Promise<PooledView & { embedding: Uint8Array }> => {
    const [whole, tiles] = await Promise.all([
      infer(scene, [square]),
      infer(scene, tilesOf(square, readout.tiling.overlap)),
    ]);
    return {
      whole: whole.potentials,
      tiled: meanPotentials(tiles.potentials, graph.classes.length),
      pooled: pooled(whole.embeddings, channels),
      embedding: whole.embeddings,
    };
  };
  return async (frame: Frame): Promise<Omit<PooledViews, 'sample'>> => {
    const field = fieldOf(frame);
    const { square } = field;
    const scene = { frame, field, light: fieldLight(section, frame, field, side) };
    const { embedding, ...centred } = await view(scene, square);
    if (mapper === null) return { centred, cropped: centred };
    const map = mapper(embedding, largestIndex(centred.whole));
    const salient = salientSquare(map, field, preprocessing.crop);
    const moved = salient.x !== square.x || salient.y !== square.y || salient.side !== square.side;
    if (!moved) return { centred, cropped: centred };
    const { embedding: _, ...cropped } = await view(scene, salient);
    return { centred, cropped };
  };
}
