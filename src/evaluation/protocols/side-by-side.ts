/** Both protocols beside each other: the one that a run measured and the one that was stored. */
import type { ModelIdentity } from '../../model/bundle/bundle.ts';
import type { LesionEntry, PaperEntry, Protocol, ProtocolFigures, StoredFigures } from './stored-figures.ts';

/** Figures, or why there are none. */
export type Known<Entry> = { readonly figures: ProtocolFigures } & (
  | { readonly source: 'this run'; readonly entry: null }
  | { readonly source: 'stored'; readonly entry: Entry }
);
export interface Unknown {
  readonly figures: null;
  readonly reason: string;
}

export interface SideBySide {
  readonly lesion: Known<LesionEntry> | Unknown;
  readonly paper: Known<PaperEntry> | Unknown;
}

/**
 * @param measured what this run measured and by which protocol; null where it was neither of the two
 * @param stored what lies beside the bundle, null for nothing
 */
export function sideBySide(
  model: ModelIdentity,
  measured: { readonly protocol: Protocol; readonly figures: ProtocolFigures } | null,
  stored: StoredFigures | null,
): SideBySide {
  const own = (protocol: Protocol) =>
    measured?.protocol === protocol
      ? ({ source: 'this run', entry: null, figures: measured.figures } as const)
      : null;
  const { name, version } = stored?.model ?? model;
  const foreign = `the figures beside the bundle are about ${name} ${version}`;
  const isNamesake = name === model.name;
  const isSame = isNamesake && version === model.version;
  return {
    lesion: own('lesion') ?? lesionOf(model, stored?.lesion ?? null, isSame ? null : foreign),
    // Of a network of this name that was trained for them, whatever weights the bundle has.
    paper: own('paper') ?? paperOf(stored?.paper ?? null, isNamesake ? null : foreign),
  };
}

function lesionOf(
  { digest }: ModelIdentity,
  entry: LesionEntry | null,
  foreign: string | null,
): SideBySide['lesion'] {
  const remedy = 'measure it with `spikescope evaluate --protocol lesion --record`';
  if (foreign !== null) return { figures: null, reason: `${foreign}; ${remedy}` };
  if (entry === null) return { figures: null, reason: `nothing is stored beside the bundle; ${remedy}` };
  if (entry.digest !== digest) {
    return {
      figures: null,
      reason: `the stored figures are those of another bundle, ${entry.digest.slice(0, 12)}; ${remedy}`,
    };
  }
  return { source: 'stored', entry, figures: entry.figures };
}

function paperOf(entry: PaperEntry | null, foreign: string | null): SideBySide['paper'] {
  const remedy = 'they come from `spikescope train --protocol paper --figures-for`';
  if (foreign !== null) return { figures: null, reason: `${foreign}; ${remedy}` };
  if (entry === null) return { figures: null, reason: `nothing is stored beside the bundle; ${remedy}` };
  return { source: 'stored', entry, figures: entry.figures };
}

/** What the second protocol leaks, for every report. */
export const LEAKAGE_PARAGRAPH =
  'The paper protocol repeats the publication’s own procedure, only to show what it yields. It makes altered copies ' +
  'of the photographs first and splits the rows by image afterwards, so that a test row can be a copy of a training ' +
  'image, or another photograph of a lesion that training has. It balances the classes by SMOTE on raw pixels, and it ' +
  'stops training by the test rows themselves. A network that remembers does well by it. Its figures say nothing of ' +
  'lesions that a network has never seen; those of the lesion protocol do.';

/** The same in one line, for a terminal. */
export const LEAKAGE_SENTENCE =
  'The paper protocol leaks: test rows can be copies of training images or show their lesions, and they choose the epoch.';
