import { createActor, type SnapshotFrom, waitFor } from 'xstate';
import type { Button } from '../../../capture/buttons/button.ts';
import type { PressedBy } from '../../learning/outcome.ts';
import { FLOW_STATES, type FlowContext, type FlowEvent, type FlowState, flowMachine } from './machine.ts';
import { DEFAULT_TIMEOUTS, type FlowParts, type FlowTimeouts } from './parts.ts';

export interface FlowView extends FlowContext {
  readonly state: FlowState;
}

export interface FlowOptions {
  readonly timeouts?: Partial<FlowTimeouts>;
}

type Snapshot = SnapshotFrom<ReturnType<typeof flowMachine>>;

/** States in which a person, not the appliance, moves next. */
const RESTING: readonly FlowState[] = ['idle', 'retake', 'awaitingConfirmation', 'confirmingUndo'];

/** The appliance's flow at work. */
export class Flow {
  readonly #actor;

  constructor(parts: FlowParts, { timeouts }: FlowOptions = {}) {
    this.#actor = createActor(flowMachine(parts, { ...DEFAULT_TIMEOUTS, ...timeouts }));
  }

  /** Calls `listener` on every change, until what it returns is called. */
  onChange(listener: (view: FlowView) => void): () => void {
    const subscription = this.#actor.subscribe((snapshot) => listener(viewOf(snapshot)));
    return () => subscription.unsubscribe();
  }

  start(): void {
    this.#actor.start();
  }

  /** Nothing is taken any more; what is under way is told through its signal. */
  stop(): void {
    this.#actor.stop();
  }

  get view(): FlowView {
    return viewOf(this.#actor.getSnapshot());
  }

  /** A button, a key or a command. What means nothing in the present state changes nothing. */
  send(event: FlowEvent): void {
    this.#actor.send(event);
  }

  press(button: Button, by: PressedBy = 'button'): void {
    this.send(eventOf(button, by));
  }

  /** Whether a button means anything now. */
  hears(button: Button): boolean {
    return this.can(eventOf(button, 'button'));
  }

  /** Whether an event would change anything now. */
  can(event: FlowEvent): boolean {
    return this.#actor.getSnapshot().can(event);
  }

  /** Resolves when a person moves next. Rejects when the flow is stopped before. */
  async rest(): Promise<FlowView> {
    return viewOf(await waitFor(this.#actor, (snapshot) => RESTING.includes(stateOf(snapshot))));
  }
}

function eventOf(button: Button, by: PressedBy): FlowEvent {
  return button === 'confirm' || button === 'undo' ? { type: button, by } : { type: button };
}

function stateOf({ value }: Snapshot): FlowState {
  const state = FLOW_STATES.find((each) => each === value);
  if (state === undefined) throw new Error(`no state of the flow: ${JSON.stringify(value)}`);
  return state;
}

function viewOf(snapshot: Snapshot): FlowView {
  return { state: stateOf(snapshot), ...snapshot.context };
}
