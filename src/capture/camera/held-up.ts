import { readdirSync, readFileSync } from 'node:fs';

/** Of a thread that would go on if it could: it waits for a processor or for a disk, or was stopped. */
const HELD_UP = /^[RDTt]$/;

/**
 * Whether a process of this Linux is kept from going on, as proc(5) has the states of its threads. One that waits for
 * something by itself, such as a camera for its next frame, is not; false too where nothing is known of it.
 */
export function isHeldUp(pid: number): boolean {
  const threads = `/proc/${pid}/task`;
  try {
    return readdirSync(threads).some((thread) => HELD_UP.test(stateOf(`${threads}/${thread}/stat`)));
  } catch {
    return false;
  }
}

/** The letter after the name, which may itself have brackets and blanks. */
function stateOf(file: string): string {
  const text = readFileSync(file, 'latin1');
  return text.charAt(text.lastIndexOf(')') + 2);
}
