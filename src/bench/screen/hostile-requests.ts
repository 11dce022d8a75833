/** What somebody hostile asks of a screen, exactly as no browser would let a page ask it. */
import { DISPLAY_COOKIE } from '../../ui/web/server/clients.ts';
import { PATHS } from '../../ui/web/words.ts';

export interface HostileRequest {
  readonly path: string;
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | null;
}

const METHODS = ['GET', 'POST', 'PUT', 'DELETE'];
const COMMANDS = [{ command: 'capture' }, { command: 'unlock', pin: '0000' }];
const BODIES = ['', '{', ...COMMANDS.map((command) => JSON.stringify(command))];
const PLACES = Object.values(PATHS);

/** The request of that number: each path and method, from elsewhere, under a wrong name, with a guessed cookie, a form. */
export function hostileRequest(number: number): HostileRequest {
  return {
    path: PLACES[number % PLACES.length],
    method: METHODS[number % METHODS.length],
    headers: {
      ...(number % 3 === 0 && { origin: 'http://evil.example' }),
      ...(number % 5 === 0 && { host: 'evil.example' }),
      ...(number % 7 === 0 && { cookie: `${DISPLAY_COOKIE}=${'A'.repeat(32)}` }),
      'content-type': number % 2 === 0 ? 'application/json' : 'text/plain',
    },
    body: number % METHODS.length === 0 ? null : BODIES[number % BODIES.length],
  };
}
