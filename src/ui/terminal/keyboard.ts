import { emitKeypressEvents } from 'node:readline';
import type { Button } from '../../capture/buttons/button.ts';
import { joined } from './layout.ts';

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

const HELP = ['keys: c capture', 'y confirm', 'n next label', 'u no, or undo', 'a automatic', 'q quit'];

/** Which keys there are, as the width of the terminal lets it be said. */
export function keysHelp(): string {
  return joined(HELP);
}

/** Milliseconds in which help is given once: an unknown key that is held down repeats. */
const HELP_PAUSE = 5_000;

interface Keypress {
  readonly name?: string;
  readonly ctrl?: boolean;
}

/**
 * Listens for keys on a terminal; the buttons of a device without any.
 * @param onUnknown called for keys that mean nothing, at most once in five seconds
 * @returns what stops it
 */
export function listenToKeys(onKey: (key: Key) => void, onUnknown: () => void): () => void {
  const { stdin } = process;
  let helped = Number.NEGATIVE_INFINITY;
  const heard = (_: string | undefined, { name = '', ctrl }: Keypress): void => {
    const now = performance.now();
    // In this mode the terminal does not turn Ctrl-C into a signal.
    if (ctrl && name === 'c') process.kill(process.pid, 'SIGINT');
    else if (!ctrl && Object.hasOwn(KEYS, name)) onKey(KEYS[name]);
    else if (now - helped >= HELP_PAUSE) {
      helped = now;
      onUnknown();
    }
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
