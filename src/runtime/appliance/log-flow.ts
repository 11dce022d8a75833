import type { Flow, FlowView } from './flow/flow.ts';
import type { Log } from './log.ts';

/** Tells the log of a service what the flow does. @returns what ends that */
export function logFlow(flow: Flow, log: Log): () => void {
  let before: FlowView | null = null;
  return flow.onChange((view) => {
    const { state, fault, learned, undone } = view;
    if (state !== before?.state) log.write({ event: 'state', state });
    if (fault !== null && fault !== before?.fault) log.write({ event: 'fault', code: fault.code });
    if (learned !== null && learned !== before?.learned) {
      if (learned.fault) log.write({ event: 'fault', code: learned.fault.code });
      log.write({ event: 'learned', kept: learned.kept });
    }
    if (undone !== null && undone !== before?.undone) log.write({ event: 'undone', undone });
    before = view;
  });
}
