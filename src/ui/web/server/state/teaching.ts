import { z } from 'zod';
import type { FlowView } from '../../../../runtime/appliance/flow/flow.ts';
import type { Journal } from '../../../../store/journal.ts';
import type { TeachOutcome } from '../../contract.ts';

const share = z.number().min(0).max(1);
const figuresSchema = z
  .object({
    balancedAccuracy: share,
    sensitivity: share.nullable(),
    triageSensitivity: share.nullish(),
    watchedTriageSensitivity: share.nullish(),
  })
  .transform(({ triageSensitivity = null, watchedTriageSensitivity = null, ...counted }) => ({
    ...counted,
    ...{ triageSensitivity, watchedTriageSensitivity },
  }));
/** Of the record of an update: what the gate has seen. */
const updateSchema = z.object({
  label: z.string(),
  newClass: z.boolean(),
  guard: z.object({ factory: figuresSchema, before: figuresSchema, proposed: figuresSchema }),
});

/** Follows what people teach, to say what it has changed. */
export class Teaching {
  readonly #journal: Pick<Journal, 'lastPayloadOf'>;
  #before: FlowView | null = null;
  /** What the undo that is under way takes back, where that was known. */
  #takenBack: string | null = null;
  #last: TeachOutcome | null = null;

  constructor(journal: Pick<Journal, 'lastPayloadOf'>) {
    this.#journal = journal;
  }

  /** What came of the last of it; null since the next capture. */
  get last(): TeachOutcome | null {
    return this.#last;
  }

  follow(view: FlowView): void {
    const before = this.#before;
    this.#before = view;
    if (view.state === 'capturing') this.#last = null;
    if (before?.state === 'confirmingUndo') this.#takenBack = before.takingBack?.label ?? null;
    if (view.learned !== null && view.learned !== before?.learned) this.#last = this.#taught(view);
    if (view.undone !== null && before?.state === 'undoing') this.#last = this.#undone(view.undone);
  }

  #taught({ reading, proposed, learned }: FlowView): TeachOutcome {
    const payload = reading && this.#journal.lastPayloadOf(reading.id, 'update');
    const found = payload === null ? undefined : updateSchema.safeParse(JSON.parse(payload)).data;
    const update = found?.label === proposed ? found : undefined;
    const outcome = learned?.kept ? 'kept' : update === undefined ? 'not-learned' : 'refused';
    return {
      result: reading?.id ?? null,
      label: proposed,
      verdict: proposed === reading?.diagnosis ? 'confirmed' : 'corrected',
      outcome,
      newClass: update?.newClass ?? false,
      addedAs: learned?.addedAs ?? null,
      reason: learned?.reason?.slice(0, 400) ?? null,
      figures: update?.guard ?? null,
    };
  }

  #undone(isDone: boolean): TeachOutcome {
    return {
      result: null,
      label: this.#takenBack,
      verdict: 'withdrawn',
      outcome: isDone ? 'undone' : 'nothing-to-undo',
      ...{ newClass: false, addedAs: null, reason: null, figures: null },
    };
  }
}
