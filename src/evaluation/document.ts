/** What `evaluate --json` prints. Shares are 0…1. */
import type { ModelIdentity } from '../model/bundle/bundle.ts';
import type { Figures } from '../statistics/figures.ts';
import type { CorruptionDocument } from './corruption/document.ts';
import type { SideBySide } from './protocols/side-by-side.ts';
import type { Unreadable } from './read-split.ts';
import type { NothingDocument } from './scope/evaluate.ts';
import type { TriageDocument } from './triage/document.ts';

export interface EvaluationDocument extends Figures {
  /**
   * `lesion`: no lesion lies in two splits. `image`: lesions are unknown, or lie in more than one. `paper`: the test
   * rows of the publication's own procedure.
   */
  readonly protocol: 'lesion' | 'image' | 'paper';
  readonly split: string;
  /** Images behind every figure: all of the split that could be read. */
  readonly n: number;
  readonly classes: readonly string[];
  readonly model: ModelIdentity;
  readonly backend: string;
  readonly dataset: {
    readonly name: string;
    readonly splitFile: string | null;
    /** Images of the split, readable or not. */
    readonly images: number;
    /** Identifiers listed for the split that have no file. */
    readonly missing: readonly string[];
    /** Files that do not decode; they count in no figure. */
    readonly unreadable: readonly Unreadable[];
  };
  readonly settings: {
    readonly crop: boolean;
    readonly tiling: boolean;
    /** Images drawn from the split, null for all. */
    readonly limit: number | null;
  };
  readonly tiledShare: number;
  /** Share of images in which no class reaches its threshold; they count in the figures by their most probable class. */
  readonly indeterminateShare: number;
  /** Share of images called unfamiliar; null where the model cannot tell. */
  readonly unfamiliarShare: number | null;
  /** Images that the device would have sent back, by quality or scope: read all the same, so that n is the split. */
  readonly retakes: {
    readonly count: number;
    readonly share: number;
    readonly reasons: Readonly<Record<string, number>>;
  };
  /** What triage is worth; null where the bundle does not triage, and by the paper protocol. */
  readonly triage: TriageDocument | null;
  /** Frames without a lesion, where they were asked for. */
  readonly nothing?: NothingDocument;
  /** Both protocols: what this run measured beside what is stored with the bundle. */
  readonly protocols: SideBySide;
  /** The float graph on the same inputs, before any tiling. */
  readonly float?: Figures & { readonly n: number; readonly source: string };
  /** Share of images for which the integer graph (untiled) and the float graph have the same winning class. */
  readonly agreement?: number;
  /** What it loses on corrupted photographs. */
  readonly corruption?: CorruptionDocument;
}
