/** The ablation of QANA's Table IV: which part each row adds, and what the publication states for it. */
import { IDENTITY_AUGMENTATION } from '../data/augmentation.ts';
import type { Recipe, StageRecipe } from '../recipes/recipe.ts';

/** In per cent, as published. */
export interface PublishedFigures {
  readonly accuracy: number;
  readonly recall: number;
  readonly precision: number;
  readonly f1: number;
  readonly auc: number;
}

export interface AblationRow {
  /** Name of its folder. */
  readonly id: string;
  readonly title: string;
  readonly ghost: boolean;
  readonly spatialAttention: boolean;
  readonly squeezeExcite: boolean;
  /** Augmented images and a last stage that rounds; without it the network is rounded after training. */
  readonly augmentedAndQuantised: boolean;
  /**
   * What follows training: the head on embeddings, then the last block on real images. `real` is what `smote` is to be
   * compared with; it stands in no published table.
   */
  readonly rebalance: 'none' | 'real' | 'smote';
  /** A device teaches its head validation lesions; nothing else is trained. */
  readonly learns: boolean;
  /** Null where the publication has no such row. */
  readonly published: PublishedFigures | null;
}

const NOTHING = {
  ghost: false,
  spatialAttention: false,
  squeezeExcite: false,
  augmentedAndQuantised: false,
  rebalance: 'none',
  learns: false,
} as const;
const GHOST = { ...NOTHING, ghost: true };
const ATTENTION = { ...GHOST, spatialAttention: true };
const EXCITE = { ...ATTENTION, squeezeExcite: true };
const QUANTISED = { ...EXCITE, augmentedAndQuantised: true };

export const ABLATION: readonly AblationRow[] = [
  { id: 'baseline', title: 'Baseline', ...NOTHING, published: published(74.1, 71.4, 71.9, 71.6, 77.3) },
  { id: 'ghost', title: '+ Ghost block', ...GHOST, published: published(72.3, 70.2, 70.0, 70.6, 70.9) },
  { id: 'attention', title: '+ SA-ECA', ...ATTENTION, published: published(88.7, 85.8, 87.2, 86.5, 90.7) },
  { id: 'excite', title: '+ SE', ...EXCITE, published: published(89.8, 87.7, 88.1, 87.8, 91.5) },
  {
    id: 'quantised',
    title: '+ Augmentation, quantised head',
    ...QUANTISED,
    published: published(90.4, 88.1, 89.1, 88.6, 92.1),
  },
  { id: 'real', title: 'Control: head on real embeddings', ...QUANTISED, rebalance: 'real', published: null },
  {
    id: 'smote',
    title: '+ SMOTE',
    ...QUANTISED,
    rebalance: 'smote',
    published: published(91.0, 89.2, 90.0, 89.6, 92.7),
  },
  {
    id: 'learning',
    title: '+ Incremental learning',
    ...QUANTISED,
    rebalance: 'smote',
    learns: true,
    published: published(91.6, 90.7, 91.2, 90.9, 93.4),
  },
];

/** The row that a row goes on from and is compared with; `real` and `smote` both go on from `quantised`. */
export function predecessor(row: AblationRow): AblationRow | null {
  if (row.learns) return ABLATION.find(({ id }) => id === 'smote') ?? null;
  if (row.rebalance !== 'none') return ABLATION.find(({ id }) => id === 'quantised') ?? null;
  return ABLATION[ABLATION.indexOf(row) - 1] ?? null;
}

/**
 * The recipe of a row: epochs, rates, loss and batches are the base's. A row without the quantised stage trains as many
 * epochs more in float, so that all see the images equally often.
 */
export function recipeOf(row: AblationRow, base: Recipe): Recipe {
  const { ghost, spatialAttention, squeezeExcite, augmentedAndQuantised } = row;
  const network =
    base.network.kind === 'qana' ? { ...base.network, ghost, spatialAttention, squeezeExcite } : base.network;
  const plain = (stage: StageRecipe): StageRecipe =>
    augmentedAndQuantised ? stage : { ...stage, augmentation: IDENTITY_AUGMENTATION };
  const { quantisation } = base;
  return augmentedAndQuantised || quantisation === null
    ? { ...base, name: row.id, network, float: plain(base.float) }
    : {
        ...base,
        name: row.id,
        network,
        float: plain({ ...base.float, schedule: [...base.float.schedule, ...quantisation.stage.schedule] }),
        quantisation: null,
      };
}

function published(
  accuracy: number,
  recall: number,
  precision: number,
  f1: number,
  auc: number,
): PublishedFigures {
  return { accuracy, recall, precision, f1, auc };
}
