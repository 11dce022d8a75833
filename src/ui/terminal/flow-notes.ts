import { printable } from '../../errors.ts';
import type { FlowView } from '../../runtime/appliance/flow/flow.ts';

/**
 * What a person should be told when the flow has changed, on stderr; null when nothing is new. Readings themselves are
 * shown as their results come back from the broker.
 * @param before the view before the change; null at the start
 */
export function flowNote(before: FlowView | null, after: FlowView): string | null {
  if (after.fault !== null && after.fault !== before?.fault) return after.fault.describe();
  if (after.learned !== null && after.learned !== before?.learned) {
    const { kept, reason } = after.learned;
    return kept
      ? printable(`Learned: ${after.proposed}`)
      : printable(`Not learned: ${after.proposed}${reason ? `, ${reason}` : ''}`);
  }
  if (after.undone !== null && after.undone !== before?.undone) {
    return after.undone ? 'The last update is taken back' : 'There is no update to take back';
  }
  if (after.isExhausted && !before?.isExhausted) return 'The source has no more frames';
  return null;
}

/** The question that a waiting reading puts; null in any other state. */
export function confirmationQuestion(before: FlowView | null, after: FlowView): string | null {
  if (after.state !== 'awaitingConfirmation' || after.proposed === null) return null;
  if (before?.state === after.state && before.proposed === after.proposed) return null;
  return `  teach ${printable(after.proposed)}?  y yes · n next label · u no · c capture`;
}
