import { emitKeypressEvents } from 'node:readline';
import type { Button } from '../../capture/buttons/button.ts';

/** What a key asks for: a button of the device, or something that only a desk needs. */
export type Key = Button | 'automatic' | 'quit';

const KEYS: Readonly<Record<string, Key>> = {
  c: 'capture',
  space: 'capture',
  y: 'confirm',
  return: 'confirm',
  n: 'next-label',
  u: 'undo',
  a: 'automatic',
  q: 'quit',
};

export const KEYS_HELP = 'keys: c capture · y confirm · n next label · u undo · a automatic · q quit';

interface Keypress {
  readonly name?: string;
  readonly ctrl?: boolean;
}

/**
 * Listens for keys on a terminal; the buttons of a device without any.
 * @returns what stops it
 */
export function listenToKeys(onKey: (key: Key) => void): () => void {
  const { stdin } = process;
  const heard = (_: string | undefined, { name = '', ctrl }: Keypress): void => {
    // In this mode the terminal does not turn Ctrl-C into a signal.
    if (ctrl && name === 'c') process.kill(process.pid, 'SIGINT');
    else if (!ctrl && KEYS[name] !== undefined) onKey(KEYS[name]);
  };
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  stdin.on('keypress', heard);
  stdin.resume();
  return () => {
    stdin.off('keypress', heard);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
