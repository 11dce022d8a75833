import type { RefusedError } from '../../errors.ts';
import type { BackendName } from '../../runtime/engine/contract.ts';
import type { Classifier } from '../../runtime/inference/classifier.ts';
import { RETAKE } from '../../runtime/inference/head.ts';
import type { Reading } from '../../runtime/inference/reading.ts';

/** What became of one path: a reading, or the reason why there is none. */
export type Outcome =
  | { readonly path: string; readonly reading: Reading }
  | { readonly path: string; readonly refusal: RefusedError };

export function isAccepted(outcome: Outcome): boolean {
  return 'reading' in outcome && outcome.reading.accepted;
}

/** The JSON line of an outcome. A refused file has the same fields, and `message` for people. */
export function documentOf(
  outcome: Outcome,
  { model, triages }: Pick<Classifier, 'model' | 'triages'>,
  backend: BackendName,
): object {
  if ('refusal' in outcome) {
    return {
      path: outcome.path,
      accepted: false,
      reasons: [outcome.refusal.code],
      ...(triages && { triage: null, malignancy: null }),
      diagnosis: RETAKE,
      probabilities: {},
      potentials: {},
      tiled: false,
      crop: null,
      timings: {},
      model,
      backend,
      message: outcome.refusal.describe(),
    };
  }
  const { accepted, reasons, diagnosis, probabilities, potentials, tiled, crop, timings } = outcome.reading;
  const { triage, malignancy, unfamiliar, assumedClasses } = outcome.reading;
  return {
    path: outcome.path,
    accepted,
    reasons,
    ...(triage !== undefined && { triage, malignancy }),
    ...(unfamiliar !== undefined && { unfamiliar }),
    ...(assumedClasses && { classes: 'assumed' }),
    diagnosis,
    probabilities,
    potentials,
    tiled,
    crop,
    timings,
    model: outcome.reading.model,
    backend: outcome.reading.backend,
  };
}
