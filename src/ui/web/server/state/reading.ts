import { isUnfamiliar, judgementOf, type Result, resultSchema } from '../../../../telehealth/result.ts';
import type { ScreenReading } from '../../contract.ts';

/** A result of the journal; null for one that this version cannot read. */
export function resultIn(payload: string | null): Result | null {
  if (payload === null) return null;
  return resultSchema.safeParse(JSON.parse(payload)).data ?? null;
}

/** Probability of the most probable class from which a reading is sure, and from which it is fairly so. */
const SURE = 0.8;
const FAIRLY_SURE = 0.5;

/** @param held of what pixels are in memory */
export function readingSaid(
  result: Result,
  held: Pick<ScreenReading, 'hasFrozenFrame' | 'hasSaliency'>,
): ScreenReading {
  const judgement = judgementOf(result);
  const { hasFrozenFrame, hasSaliency } = held;
  return {
    result: result.id,
    capturedAt: result.capturedAt,
    accepted: result.accepted,
    reasons: [...result.reasons],
    diagnosis: result.diagnosis,
    triage: judgement?.triage ?? null,
    malignancy: judgement?.malignancy ?? null,
    unfamiliar: isUnfamiliar(result),
    probabilities: Object.entries(result.probabilities).map(([code, probability]) => ({ code, probability })),
    confidence: result.accepted ? confidenceOf(result) : null,
    hasFrozenFrame,
    hasSaliency,
  };
}

/** Of the calibrated probability; a lesion unlike those of training, or one that no class fits, is never a sure one. */
function confidenceOf(result: Result): 'high' | 'medium' | 'low' {
  const [most = 0] = Object.values(result.probabilities);
  if (isUnfamiliar(result) || result.diagnosis === 'indeterminate') return 'low';
  if (most >= SURE) return 'high';
  return most >= FAIRLY_SURE ? 'medium' : 'low';
}
