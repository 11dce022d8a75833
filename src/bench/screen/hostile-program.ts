/**
 * Somebody hostile, a process of its own: asks the screen at the address of its argument as fast as it is answered, ten at a
 * time, from a word `go` until a word `pause`, and says then what it was answered since it started.
 */
import { once } from 'node:events';
import http, { type IncomingMessage } from 'node:http';
import { refusalSchema, startSchema } from '../../ui/web/contract.ts';
import { hostileRequest } from './hostile-requests.ts';
import { type HostileAnswer, hostileWordSchema } from './messages.ts';

const AT_ONCE = 10;

const { origin } = new URL(process.argv[2] ?? '');
const answers: Record<string, number> = {};
let sent = 0;
let isGoing = false;
let asking: Promise<unknown> = Promise.resolve();

async function ask(): Promise<void> {
  const { path, method, headers, body } = hostileRequest(sent++);
  const request = http.request(`${origin}${path}`, { method, headers, agent: false });
  request.end(body ?? undefined);
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  let text = '';
  for await (const piece of response) text += String(piece);
  const word = wordOf(text);
  answers[word] = (answers[word] ?? 0) + 1;
}

/** The code of a refusal; of an answer to `start`, which anybody may ask for, that it gave no token. */
function wordOf(text: string): string {
  const document: unknown = JSON.parse(text);
  const refusal = refusalSchema.safeParse(document).data;
  if (refusal !== undefined) return refusal.code;
  const start = startSchema.safeParse(document).data;
  return start?.pairing === true && start.token === '' ? 'no token' : 'ANSWERED';
}

async function askOn(): Promise<void> {
  while (isGoing) {
    await ask().catch((error: unknown) => {
      const word = error instanceof Error && 'code' in error ? String(error.code) : 'LOST';
      answers[word] = (answers[word] ?? 0) + 1;
    });
  }
}

process.on('message', async (message) => {
  const word = hostileWordSchema.parse(message);
  isGoing = word === 'go';
  if (isGoing) asking = Promise.all(Array.from({ length: AT_ONCE }, askOn));
  else {
    await asking;
    process.send?.({ sent, answers } satisfies HostileAnswer);
  }
});
process.once('disconnect', () => process.exit());
