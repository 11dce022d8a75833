/**
 * Phantoms and replayed files are a demonstration: they are read like patients, and never teach the head that reads those.
 */
import path from 'node:path';
import { z } from 'zod';
import { isRehearsed, SOURCE_KINDS, type SourceKind } from '../../capture/kinds.ts';
import { SpikescopeError } from '../../errors.ts';
import { defaultDataFolder } from '../../store/folder.ts';
import type { Journal } from '../../store/journal.ts';
import type { Learner } from './appliance.ts';

const CAMERAS = SOURCE_KINDS.filter((kind) => !isRehearsed(kind));

/** The folder of journal, identity and learned heads where nobody names one: a demonstration has its own. */
export function dataFolderFor(kind: SourceKind): string {
  const folder = defaultDataFolder();
  return isRehearsed(kind) ? path.join(folder, 'demonstration') : folder;
}

const originSchema = z.object({ source: z.string() });

/** Whether a head that learned this case may read what comes from a source of this kind. */
export function mayHaveTaught(kind: SourceKind, journal: Pick<Journal, 'payloadOf'>) {
  return (caseId: string): boolean => {
    if (isRehearsed(kind)) return true;
    const payload = journal.payloadOf(caseId);
    if (payload === null) return true;
    const origin = originSchema.safeParse(JSON.parse(payload)).data;
    return !SOURCE_KINDS.some((each) => isRehearsed(each) && each === origin?.source);
  };
}

/** The learner as a source of this kind may use it: where a camera was at work, a demonstration changes nothing. */
export function learnerFor(
  kind: SourceKind,
  learner: Learner,
  journal: Pick<Journal, 'hasResultFrom' | 'file'>,
): Learner {
  if (!isRehearsed(kind)) return learner;
  // Asked once, and only when somebody teaches: it may read the whole journal, and this run adds no camera's results.
  let isOfCamera: boolean | undefined;
  const orRefuse = <T>(change: () => Promise<T>): Promise<T> => {
    isOfCamera ??= journal.hasResultFrom(CAMERAS);
    return isOfCamera ? Promise.reject(refusal(journal.file)) : change();
  };
  return {
    // What only looks is the learner's own.
    lastUpdate: () => (learner.lastUpdate ? learner.lastUpdate() : { label: null }),
    observe: (id, headInput) => learner.observe(id, headInput),
    learn: async (...args) => orRefuse(() => learner.learn(...args)),
    undo: async (by) => orRefuse(() => learner.undo(by)),
  };
}

function refusal(file: string): SpikescopeError {
  return new SpikescopeError(
    'LEARNING_FROM_DRAWINGS',
    'Phantoms and replayed files do not teach a camera’s head',
    {
      file: path.dirname(file),
      expected: 'a data folder in which no camera was used',
      remedy: 'give the demonstration a folder of its own with --data, or none: then it has one',
    },
  );
}
