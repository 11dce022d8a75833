import { assign, fromPromise, setup } from 'xstate';
import type { Capture } from '../../../capture/source.ts';
import { SpikescopeError } from '../../../errors.ts';
import type { Risk } from '../../../model/bundle/class-table-section.ts';
import type { LearningOutcome, PressedBy } from '../../learning/outcome.ts';
import type { FlowParts, FlowTimeouts, LastUpdate, RecordedReading } from './parts.ts';

export type FlowEvent =
  | { readonly type: 'capture' }
  | { readonly type: 'confirm'; readonly by?: PressedBy }
  | { readonly type: 'next-label' }
  | { readonly type: 'undo'; readonly by?: PressedBy }
  /** A label for a result, by its identifier: as from afar or from a screen. With it the risk of a class that is new. */
  | {
      readonly type: 'label';
      readonly result: string;
      readonly label: string;
      readonly risk?: Risk;
      readonly by?: PressedBy;
    };

export interface FlowContext {
  readonly capture: Capture | null;
  readonly reading: RecordedReading | null;
  /** The label that confirming would teach. */
  readonly proposed: string | null;
  /** What was said of the risk of that label's class; null where nothing was. */
  readonly risk: Risk | null;
  readonly learned: LearningOutcome | null;
  /** Through what the last label or undo came. */
  readonly by: PressedBy;
  /** What a second press of undo would take back; null when nobody asked for it. */
  readonly takingBack: LastUpdate | null;
  /** Whether the last undo took anything back. */
  readonly undone: boolean | null;
  /**
   * What was shown last has ended by itself, and nobody has pressed anything since: the next press may still be meant for
   * it, and does nothing else than to say so.
   */
  readonly hasLapsed: boolean;
  /** The last fault, until something works again. */
  readonly fault: SpikescopeError | null;
  /** The source has no more frames. */
  readonly isExhausted: boolean;
}

const EMPTY: FlowContext = {
  capture: null,
  reading: null,
  proposed: null,
  risk: null,
  learned: null,
  by: 'button',
  takingBack: null,
  undone: null,
  hasLapsed: false,
  fault: null,
  isExhausted: false,
};

/** Ends a capture that takes too long; the part is told through its signal. */
function withinTime<T>(work: (signal: AbortSignal) => Promise<T>, milliseconds: number, signal: AbortSignal) {
  const timeout = new AbortController();
  const timer = setTimeout(() => timeout.abort(), milliseconds);
  const late = new Promise<never>((_, reject) => {
    timeout.signal.addEventListener('abort', () =>
      reject(
        new SpikescopeError('CAPTURE_TIMEOUT', 'No frame came', {
          expected: `a frame within ${milliseconds / 1000} s`,
          remedy: 'check the camera, then press capture again',
        }),
      ),
    );
  });
  return Promise.race([work(AbortSignal.any([signal, timeout.signal])), late]).finally(() =>
    clearTimeout(timer),
  );
}

function faultOf(error: unknown): SpikescopeError {
  return error instanceof SpikescopeError
    ? error
    : new SpikescopeError('INTERNAL', 'A part of the appliance failed', { cause: error });
}

/** Of what does not say where it came from, labels come as commands, and presses from buttons. */
function actorOf(event: { readonly type: string; readonly by?: PressedBy }): PressedBy {
  return event.by ?? (event.type === 'label' ? 'command' : 'button');
}

function labelAfter(ranking: readonly string[], label: string | null): string | null {
  return ranking.length === 0 ? null : ranking[(ranking.indexOf(label ?? '') + 1) % ranking.length];
}

/** What to propose first: the diagnosis, or the most probable class where there is none. */
function firstLabel({ diagnosis, ranking }: RecordedReading): string | null {
  return ranking.includes(diagnosis) ? diagnosis : (ranking[0] ?? null);
}

/**
 * The flow of the appliance: idle → capturing → reading → awaiting confirmation → learning → idle. Faults lead back to
 * idle and are kept to be shown; presses that mean nothing in a state change nothing.
 *
 * Undo means "no" to a question, and takes an update back where nothing is asked. A person cannot always know which of the
 * two it is, so a press of it never takes anything back at once: it asks, and the second press does. A command says what it
 * means and is not asked.
 */
export function flowMachine(parts: FlowParts, timeouts: FlowTimeouts) {
  return setup({
    types: { context: {} as FlowContext, events: {} as FlowEvent },
    actors: {
      takeFrame: fromPromise<Capture | null>(({ signal }) =>
        withinTime((either) => parts.capture(either), timeouts.capture, signal),
      ),
      readFrame: fromPromise<RecordedReading, Capture | null>(({ input }) => {
        if (input === null) throw new Error('nothing was captured');
        return parts.read(input);
      }),
      teach: fromPromise<LearningOutcome, Pick<FlowContext, 'reading' | 'proposed' | 'risk' | 'by'>>(
        ({ input }) => {
          if (input.reading === null || input.proposed === null) throw new Error('nothing was confirmed');
          return parts.learn(input.reading, input.proposed, input.by, input.risk ?? undefined);
        },
      ),
      takeBack: fromPromise<boolean, PressedBy>(({ input }) => parts.undo(input)),
    },
    actions: {
      forget: assign(({ context }) => ({ ...EMPTY, isExhausted: context.isExhausted })),
      lapse: assign({ hasLapsed: true }),
      answerLapsed: assign({ hasLapsed: false }),
      askWhetherToUndo: assign({ takingBack: () => parts.lastUpdate(), undone: null }),
      keepUpdate: assign({ takingBack: null }),
      noteWho: assign({ by: ({ event }) => actorOf(event) }),
      proposeNext: assign({
        proposed: ({ context }) => labelAfter(context.reading?.ranking ?? [], context.proposed),
      }),
      proposeGiven: assign({
        proposed: ({ context, event }) => (event.type === 'label' ? event.label : context.proposed),
        risk: ({ event }) => (event.type === 'label' ? (event.risk ?? null) : null),
      }),
    },
    guards: {
      isOfThisReading: ({ context, event }) => event.type === 'label' && event.result === context.reading?.id,
      hasProposal: ({ context }) => context.proposed !== null,
      isMeantForWhatLapsed: ({ context }) => context.hasLapsed,
      isCommand: ({ event }) => event.type === 'undo' && event.by === 'command',
      isNothingToTakeBack: () => parts.lastUpdate() === null,
    },
    delays: { confirm: timeouts.confirm, retake: timeouts.retake, undo: timeouts.undo },
  }).createMachine({
    id: 'appliance',
    context: EMPTY,
    initial: 'idle',
    states: {
      idle: {
        on: {
          capture: { target: 'capturing', guard: ({ context }) => !context.isExhausted },
          undo: [
            { target: 'undoing', guard: 'isCommand', actions: 'noteWho' },
            { guard: 'isMeantForWhatLapsed', actions: 'answerLapsed' },
            { target: 'undoing', guard: 'isNothingToTakeBack', actions: 'noteWho' },
            { target: 'confirmingUndo' },
          ],
          confirm: { guard: 'isMeantForWhatLapsed', actions: 'answerLapsed' },
          'next-label': { guard: 'isMeantForWhatLapsed', actions: 'answerLapsed' },
        },
      },
      capturing: {
        entry: 'forget',
        invoke: {
          src: 'takeFrame',
          onDone: [
            {
              description: 'the source has ended',
              guard: ({ event }) => event.output === null,
              target: 'idle',
              actions: assign({ isExhausted: true }),
            },
            {
              description: 'a frame',
              target: 'reading',
              actions: assign({ capture: ({ event }) => event.output }),
            },
          ],
          onError: { target: 'idle', actions: assign({ fault: ({ event }) => faultOf(event.error) }) },
        },
      },
      reading: {
        invoke: {
          src: 'readFrame',
          input: ({ context }) => context.capture,
          onDone: [
            {
              description: 'a diagnosis or indeterminate',
              guard: ({ event }) => event.output.accepted,
              target: 'awaitingConfirmation',
              actions: assign({
                capture: null,
                reading: ({ event }) => event.output,
                proposed: ({ event }) => firstLabel(event.output),
              }),
            },
            {
              description: 'not fit to be read',
              target: 'retake',
              actions: assign({ capture: null, reading: ({ event }) => event.output }),
            },
          ],
          onError: { target: 'idle', actions: assign({ fault: ({ event }) => faultOf(event.error) }) },
        },
      },
      retake: {
        on: { capture: 'capturing', undo: [{ target: 'undoing', guard: 'isCommand' }, { target: 'idle' }] },
        after: { retake: { target: 'idle', actions: 'lapse' } },
      },
      awaitingConfirmation: {
        on: {
          capture: 'capturing',
          'next-label': { actions: 'proposeNext' },
          confirm: { target: 'learning', guard: 'hasProposal', actions: 'noteWho' },
          label: { target: 'learning', guard: 'isOfThisReading', actions: ['noteWho', 'proposeGiven'] },
          undo: [{ target: 'undoing', guard: 'isCommand' }, { target: 'idle' }],
        },
        after: { confirm: { target: 'idle', actions: 'lapse' } },
      },
      confirmingUndo: {
        entry: 'askWhetherToUndo',
        exit: 'keepUpdate',
        on: {
          undo: { target: 'undoing', actions: 'noteWho' },
          capture: { target: 'capturing', guard: ({ context }) => !context.isExhausted },
          confirm: 'idle',
          'next-label': 'idle',
        },
        after: { undo: 'idle' },
      },
      learning: {
        invoke: {
          src: 'teach',
          input: ({ context: { reading, proposed, risk, by } }) => ({ reading, proposed, risk, by }),
          onDone: {
            description: 'kept or rolled back',
            target: 'idle',
            actions: assign({ learned: ({ event }) => event.output }),
          },
          onError: { target: 'idle', actions: assign({ fault: ({ event }) => faultOf(event.error) }) },
        },
      },
      undoing: {
        entry: 'forget',
        invoke: {
          src: 'takeBack',
          input: ({ event }) => actorOf(event),
          onDone: {
            description: 'taken back, or nothing to take back',
            target: 'idle',
            actions: assign({ undone: ({ event }) => event.output }),
          },
          onError: { target: 'idle', actions: assign({ fault: ({ event }) => faultOf(event.error) }) },
        },
      },
    },
  });
}

export const FLOW_STATES = [
  'idle',
  'capturing',
  'reading',
  'retake',
  'awaitingConfirmation',
  'confirmingUndo',
  'learning',
  'undoing',
] as const;
export type FlowState = (typeof FLOW_STATES)[number];
