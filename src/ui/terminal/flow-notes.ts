import { printable } from '../../errors.ts';
import type { FlowView } from '../../runtime/appliance/flow/flow.ts';
import type { LearningOutcome } from '../../runtime/learning/outcome.ts';
import { joined } from './layout.ts';

const INDENT = '  ';

/**
 * What a person should be told when the flow has changed, on stderr; null when nothing is new. Readings themselves are
 * shown as their results come back from the broker.
 * @param before the view before the change; null at the start
 */
export function flowNote(before: FlowView | null, after: FlowView): string | null {
  if (after.fault !== null && after.fault !== before?.fault) return after.fault.describe();
  if (after.learned !== null && after.learned !== before?.learned) {
    return printable(learnedNote(after.proposed ?? '', after.learned));
  }
  if (after.undone !== null && after.undone !== before?.undone) {
    return after.undone ? 'The last answer is taken back' : 'There is no answer to take back';
  }
  if (after.isExhausted && !before?.isExhausted) return 'The source has no more frames';
  return before === null ? null : (endNote(before, after) ?? undoQuestion(before, after));
}

/** A label that the device does not learn from is recorded all the same, and is not called wrong. */
function learnedNote(label: string, { kept, reason, fault, addedAs }: LearningOutcome): string {
  if (fault !== undefined) return `Noted: ${label}, but not learned. ${fault.describe()}`;
  if (kept) {
    return addedAs === undefined
      ? `Learned: ${label}`
      : `Learned: ${label}, a new class; triage takes it for ${addedAs}`;
  }
  const why = reason === undefined ? '' : `: ${reason}`;
  return `Recorded: ${label}. Your label stands; the device only does not change its reading for it${why}`;
}

/** That a question, or the showing of a capture to retake, is over; it stays on the screen. */
function endNote(before: FlowView, after: FlowView): string | null {
  if (after.state !== 'idle') return null;
  if (before.state === 'awaitingConfirmation') {
    return after.hasLapsed
      ? 'The question has ended: nothing was taught. c captures again'
      : 'Nothing was taught';
  }
  if (before.state === 'confirmingUndo') return 'Nothing was taken back';
  if (before.hasLapsed && !after.hasLapsed) {
    return 'The question was over before: this answer changed nothing. c captures again';
  }
  return null;
}

function undoQuestion(before: FlowView, { state, takingBack }: FlowView): string | null {
  if (state !== 'confirmingUndo' || before.state === state) return null;
  const label = takingBack?.label ?? null;
  const what = label === null ? 'the last answer' : `the last answer, ${label}`;
  return joined([`take back ${what}?`, 'u once more to take it back', 'n no', 'c capture'], INDENT);
}

/** The question that a waiting reading puts; null in any other state. */
export function confirmationQuestion(before: FlowView | null, after: FlowView): string | null {
  if (after.state !== 'awaitingConfirmation' || after.proposed === null) return null;
  if (before?.state === after.state && before.proposed === after.proposed) return null;
  return joined([`teach ${printable(after.proposed)}?  y yes`, 'n next label', 'u no', 'c capture'], INDENT);
}

/** What to answer to a key that means nothing now. */
export function idleKeyNote({ state, isExhausted }: FlowView): string {
  switch (state) {
    case 'capturing':
    case 'reading':
      return 'A capture is being read; keys are heard when it is shown';
    case 'learning':
    case 'undoing':
      return 'The last answer is being carried out';
    case 'retake':
      return 'This capture cannot be taught: c captures again';
    default:
      return isExhausted ? 'The source has no more frames' : 'Nothing is asked now: c captures';
  }
}
