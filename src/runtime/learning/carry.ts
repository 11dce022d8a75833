/**
 * What becomes of the learned head when another model takes the place of the one it was learned with. Its file stays under
 * the name of its model whatever comes of it, so that going back to that model finds the same head; a refit is one more
 * file, under the name of the new model. The refit is prepared, recorded, activated as every change of a head is
 * (delta-file.ts), so that it may be asked for again after any cut.
 */
import { randomUUID } from 'node:crypto';
import path from 'node:path';
import { identityOf, type ModelBundle } from '../../model/bundle/bundle.ts';
import { type CarriedDetails, carriedIn, carriedRecord, type LearningJournal } from './change-record.ts';
import { noCorrection } from './correction.ts';
import { deltaName, type OnSetAside } from './delta-file.ts';
import { HoldOut } from './hold-out.ts';
import { KeptState } from './kept-state.ts';
import { type Refit, refit } from './refit.ts';
import { headDigest, type LearnedState } from './state.ts';

/** `none`: nothing was learned; `refitted`: it reads on in the new model; `parked`: it waits for its own model. */
export type Carried = 'none' | CarriedDetails['outcome'];

export interface CarryOptions {
  /** The data folder, in which no appliance works yet. */
  readonly folder: string;
  readonly journal: LearningJournal;
  readonly from: ModelBundle;
  readonly to: ModelBundle;
  /** What the release allows. */
  readonly mode: 'refit' | 'park';
  /** Who has the model changed; stands in the journal. */
  readonly by: string;
  /** Told in one sentence, for people, what became of it. */
  readonly say?: (sentence: string) => void;
  /** As of a learner: called when a file on disk could not be used. */
  readonly onSetAside?: OnSetAside;
  /** As of a learner: whether a head that learned this case may be used here. */
  readonly mayHaveTaught?: (caseId: string) => boolean;
}

/**
 * Takes what was learned with one model to another, or leaves it where it is. Calling it again changes nothing.
 * @throws SpikescopeError `DOCUMENT_*`, `JOURNAL_*`: then all is as before, and it may be called again
 */
export async function carryLearning(options: CarryOptions): Promise<Carried> {
  const { from, to } = options;
  const learned = from.digest === to.digest ? null : await keptOf(from, options).takeUp();
  if (learned === null || learned.memory.length === 0) return 'none';
  const head = headDigest(from.digest, learned);
  const kept = to.learning === undefined ? null : keptOf(to, options);
  const own = (await kept?.takeUp()) ?? null;
  const isDone = (said: CarriedDetails) => said.from.head === head && said.to === to.digest;
  const done = carriedIn(options.journal).filter(isDone);
  if (own !== null) {
    if (done.some(({ outcome }) => outcome === 'refitted')) return 'refitted';
    return park(options, head, 'what was learned with the new model before is taken up again');
  }
  const made = options.mode === 'park' ? 'the release says so' : refit(learned, from, to);
  if (typeof made === 'string' || kept === null) return park(options, head, String(made));
  await kept.adopt(stateOf(made, head, options));
  const now = nameOf(to);
  options.say?.(
    `What was learned with ${nameOf(from)} reads on with ${now}, to which its ${made.memory.length} cases are fitted again; ` +
      `${deltaName(from.digest)} waits for the model before`,
  );
  return 'refitted';
}

/** What was learned with a bundle, as its own learner would take it up; of one that cannot learn that is nothing. */
function keptOf(bundle: ModelBundle, options: CarryOptions): Pick<KeptState, 'takeUp' | 'adopt'> {
  const { learning: section } = bundle;
  if (section === undefined) return { takeUp: async () => null, adopt: async () => {} };
  return new KeptState(bundle, section, new HoldOut(bundle, section), options);
}

function stateOf(made: Refit, head: string, { from, to, by }: CarryOptions): LearnedState {
  const { correction, memory, share, lift, guard } = made;
  const factory = { correction: noCorrection(to.graph.classes, correction.features), memory: [] };
  const record = carriedRecord({
    ...{ event: 'learned', outcome: 'refitted', update: randomUUID(), by },
    from: { bundle: from.digest, head },
    ...{ to: to.digest, cases: memory.length, share, guard },
    ...(lift > 0 && { lift }),
    before: headDigest(to.digest, factory),
    after: headDigest(to.digest, { correction, memory }),
  });
  return { correction, memory, history: [], record };
}

function park({ from, to, folder, journal, by, say }: CarryOptions, head: string, reason: string): 'parked' {
  const details: CarriedDetails = {
    ...{ event: 'learned', outcome: 'parked', by, from: { bundle: from.digest, head } },
    ...{ to: to.digest, reason },
  };
  const last = carriedIn(journal).findLast(({ from: before }) => before.head === head);
  const isSaid = last?.outcome === 'parked' && last.to === to.digest && last.reason === reason;
  if (!isSaid) journal.record([carriedRecord(details)]);
  const file = path.join(folder, deltaName(from.digest));
  say?.(`What was learned with ${nameOf(from)} waits until that model is used again (${file}): ${reason}`);
  return 'parked';
}

function nameOf(bundle: ModelBundle): string {
  const { name, version } = identityOf(bundle);
  return `${name} ${version}`;
}
