import type { Appliance } from '../../runtime/appliance.ts';
import type { FlowView } from '../../runtime/flow/flow.ts';
import { note } from '../console.ts';
import type { Cleanup } from './cleanup.ts';
import { type CaptureMode, openHeader } from './controls.ts';
import { flowNote } from './flow-notes.ts';
import type { Log } from './log.ts';
import type { ReadingDesk } from './reading-desk.ts';

/** Tells a person, and the light, what the flow does. */
export async function watchFlow(
  appliance: Appliance,
  mode: CaptureMode,
  desk: ReadingDesk,
  cleanup: Cleanup,
): Promise<void> {
  const header = mode.isAutomatic
    ? null
    : await openHeader((button) => appliance.flow.press(button), cleanup);
  let before: FlowView | null = null;
  const forget = appliance.flow.onChange((view) => {
    const line = flowNote(before, view);
    if (line !== null) note(line);
    else if (!mode.isAutomatic) void desk.follow(before, view);
    header?.show(view);
    before = view;
  });
  cleanup.add(forget);
  cleanup.add(() => desk.close());
}

/** The same for whoever reads the log of a service. */
export function logFlow(appliance: Appliance, log: Log, cleanup: Cleanup): void {
  let before: FlowView | null = null;
  const forget = appliance.flow.onChange((view) => {
    const { state, fault, learned, undone } = view;
    if (state !== before?.state) log.write({ event: 'state', state });
    if (fault !== null && fault !== before?.fault) log.write({ event: 'fault', code: fault.code });
    if (learned !== null && learned !== before?.learned) log.write({ event: 'learned', kept: learned.kept });
    if (undone !== null && undone !== before?.undone) log.write({ event: 'undone', undone });
    before = view;
  });
  cleanup.add(forget);
}
