import { randomUUID } from 'node:crypto';
import type { EventDraft } from '../../store/chain.ts';
import type { Journal } from '../../store/journal.ts';
import type { ClockState } from '../../telehealth/clock.ts';
import { type GivenLabel, LABEL_SCHEMA, type Label, labelSchema } from '../../telehealth/label.ts';
import { resultSchema } from '../../telehealth/result.ts';
import type { VerdictDetails, VerdictRecords } from '../learning/verdict-records.ts';

/** Verdicts as they are recorded and published: made from the journal's own readings, so that they name nothing else. */
export class Verdicts implements VerdictRecords {
  readonly #device: string;
  readonly #journal: Pick<Journal, 'payloadOf' | 'payloadsOf'>;
  #clock: () => ClockState = () => 'unknown';

  constructor(device: string, journal: Pick<Journal, 'payloadOf' | 'payloadsOf'>) {
    this.#device = device;
    this.#journal = journal;
  }

  /** @param clock what the device knows of its clock, from when it knows anything */
  follow(clock: () => ClockState): void {
    this.#clock = clock;
  }

  given(caseId: string, { label, by, learned }: VerdictDetails): EventDraft[] {
    const payload = this.#journal.payloadOf(caseId);
    const result = payload === null ? undefined : resultSchema.safeParse(JSON.parse(payload)).data;
    if (result === undefined) return [];
    const { diagnosis } = result;
    const verdict = label === diagnosis ? 'confirmed' : 'corrected';
    return [draftOf({ ...this.#head(caseId, result), by, verdict, diagnosis, label, learned })];
  }

  withdrawn(caseId: string, by: Label['by']): EventDraft[] {
    const given = this.standing(caseId);
    if (given === null) return [];
    const { id: withdraws, diagnosis, label } = given;
    return [draftOf({ ...this.#head(caseId, given), by, verdict: 'withdrawn', withdraws, diagnosis, label })];
  }

  /** The verdict on a case that holds now. */
  standing(caseId: string): GivenLabel | null {
    const last = this.#journal.payloadsOf(caseId, 'label').map(labelOf).at(-1) ?? null;
    return last === null || last.verdict === 'withdrawn' ? null : last;
  }

  #head(result: string, { source, model }: Pick<Label, 'source' | 'model'>) {
    const clock = this.#clock();
    return {
      schema: LABEL_SCHEMA,
      id: randomUUID(),
      device: this.#device,
      result,
      givenAt: new Date().toISOString(),
      ...(clock !== null && { clock }),
      source,
      model,
    } as const;
  }
}

/** The verdict in a record of kind `label`; null for one of a version that published none. */
export function labelOf(payload: string): Label | null {
  return labelSchema.safeParse(JSON.parse(payload)).data ?? null;
}

function draftOf(label: Label): EventDraft {
  return { kind: 'label', caseId: label.result, payload: JSON.stringify(label), isMessage: true };
}
