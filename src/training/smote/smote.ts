/**
 * SMOTE in embedding space (QANA, equations 1 to 5): synthetic penultimate vectors for the rare classes, never
 * images. Whitening, neighbours, anchors and counts come from the training split alone, which the type of the
 * embeddings guarantees.
 */
import { seededRandom } from '../../random.ts';
import { syntheticCounts } from './counts.ts';
import { nearestNeighbours } from './neighbours.ts';
import { type Rows, rowsOf, selectRows, stackRows } from './rows.ts';
import { safeAnchors } from './safe-anchors.ts';
import { synthesise } from './synthesis.ts';
import type { TrainingEmbeddings } from './training-embeddings.ts';
import { unwhiten } from './unwhitening.ts';
import { fitWhitening, whiten } from './whitening.ts';

export interface SmoteOptions {
  /** r: principal directions kept. */
  readonly components: number;
  /** k: neighbours of the same class. */
  readonly neighbours: number;
  /** ρ: size of the filled-up classes as a share of the largest, 0 ≤ ρ < 1. */
  readonly ratio: number;
  /** ε: size of the perturbation, in standard deviations of the whitened space. */
  readonly epsilon: number;
  readonly seed: number;
}

export const SMOTE_DEFAULTS: SmoteOptions = {
  components: 128,
  neighbours: 5,
  ratio: 0.2,
  epsilon: 0.05,
  seed: 1,
};

/** What was done for one class. */
export interface ClassSynthesis {
  readonly images: number;
  readonly safeAnchors: number;
  /** As equation 3 asks. */
  readonly wanted: number;
  /** Fewer than wanted only where the class has no anchor: it has one image at most. */
  readonly made: number;
}

export interface SyntheticEmbeddings {
  readonly rows: Rows;
  readonly labels: Uint8Array;
  /** r: at most the number asked for and the rank of the embeddings. */
  readonly components: number;
  readonly classes: readonly ClassSynthesis[];
}

/** Same embeddings, options and backend: same vectors. */
export async function smote(
  embeddings: TrainingEmbeddings,
  options: SmoteOptions = SMOTE_DEFAULTS,
): Promise<SyntheticEmbeddings> {
  const whitening = await fitWhitening(embeddings, options.components, options.seed);
  const counts = embeddings.counts();
  const wanted = syntheticCounts(counts, options.ratio);
  const parts = await Promise.all(
    wanted.map(async (count, label) => {
      if (count === 0) return { rows: rowsOf(new Float32Array(0), embeddings.rows.width), safeAnchors: 0 };
      const own = await whiten(whitening, selectRows(embeddings.rows, embeddings.indicesOf(label)));
      const neighbours = nearestNeighbours(own, options.neighbours);
      const anchors = safeAnchors(neighbours);
      const random = seededRandom(options.seed + label);
      const synthesis = synthesise(own, neighbours, anchors, count, options.epsilon, random);
      return { rows: await unwhiten(whitening, synthesis.rows), safeAnchors: anchors.length };
    }),
  );
  return {
    rows: stackRows(parts.map(({ rows }) => rows)),
    labels: Uint8Array.from(parts.flatMap(({ rows }, label) => new Array<number>(rows.count).fill(label))),
    components: whitening.variances.length,
    classes: parts.map(({ rows, safeAnchors }, c) => ({
      images: counts[c],
      safeAnchors,
      wanted: wanted[c],
      made: rows.count,
    })),
  };
}
