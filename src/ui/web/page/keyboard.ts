/** The keys of the terminal, which do what the buttons of the device do. */
import type { ScreenCommand, ScreenState } from '../contract.ts';

const ACTIVATED = 'button, a, input, select, textarea, [role="button"]';

/** What a key asks for in a state; null where it means nothing. */
export function commandOf(key: string, state: ScreenState): ScreenCommand | null {
  const { flow, reading } = state;
  switch (key.toLowerCase()) {
    case 'c':
    case ' ':
      return { command: 'capture' };
    case 'y':
    case 'enter':
      if (flow.state !== 'awaitingConfirmation' || reading === null) return null;
      return { command: 'confirm', result: reading.result };
    case 'n':
      // As the button: what is offered is not it, and what would be taken back stays.
      if (flow.state === 'awaitingConfirmation' && reading !== null) {
        return { command: 'next-label', result: reading.result };
      }
      return flow.state === 'confirmingUndo' ? { command: 'dismiss' } : null;
    case 'u':
      // As the button: it says no to a question, and asks where there is none.
      return { command: flow.state === 'awaitingConfirmation' ? 'dismiss' : 'undo' };
    default:
      return null;
  }
}

/** Whether a key is somebody's typing, or presses what has the focus. */
export function isTaken(event: KeyboardEvent): boolean {
  const { target, key } = event;
  if (event.ctrlKey || event.altKey || event.metaKey || event.repeat || !(target instanceof Element))
    return true;
  if (target.closest('input, textarea, .keypad') !== null) return true;
  return (key === ' ' || key === 'Enter') && target.closest(ACTIVATED) !== null;
}
