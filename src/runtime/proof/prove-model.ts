/**
 * Proves a model in a process of its own: what a bundle makes of the native engine, of a card, or of the memory ends that
 * process and no other, and is a failed item of the proof.
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { EXIT, printable } from '../../errors.ts';
import type { Candidate, Proof, ProofItem } from '../../updates/install/contract.ts';
import { lineSchema, type ProofLine } from './protocol.ts';

const PROGRAM = fileURLToPath(new URL('../../../bin/spikescope.mjs', import.meta.url));

export interface ProveModelOptions {
  /** The bundle in use; null where it is not known, and then nothing is compared with it. */
  readonly current: string | null;
  /** The data folder, of which what was learned is read. Nothing is written there. */
  readonly data: string | null;
  /** Called with the number of things that have been looked at, of how many. */
  readonly onStep?: (done: number, of: number) => void;
  /** Milliseconds; the process is killed when it takes longer. Default: three minutes. */
  readonly deadline?: number;
  /** MiB of JavaScript heap; the process ends when it needs more. Default 512. */
  readonly heap?: number;
  /** The program that proves. Default: this one's command line. */
  readonly program?: string;
}

const DEADLINE = 180_000;
const HEAP = 512;
/** Characters that a proof says at most. */
const MOST_OUTPUT = 100_000;
/** Characters of what it writes to stderr that are told. */
const TOLD = 300;

/** @param candidate a release of kind `model` */
export async function proveModel(candidate: Candidate, options: ProveModelOptions): Promise<Proof> {
  const account = new Account(options.onStep);
  const problem = await runs(argumentsOf(candidate, options), account, options.deadline ?? DEADLINE);
  if (problem === null && account.isWhole) return account.proof([]);
  return account.proof([
    {
      name: 'run',
      passed: false,
      measured: null,
      required: `a proof that ends by itself; ${problem ?? 'it did not say all'}`,
    },
  ]);
}

/** What the process has said so far. */
class Account {
  readonly #onStep: ProveModelOptions['onStep'];
  #plan: readonly string[] | null = null;
  readonly #items: ProofItem[] = [];
  #hasEnded = false;

  constructor(onStep: ProveModelOptions['onStep']) {
    this.#onStep = onStep;
  }

  /** Whether it has looked at all that it meant to, or has found what makes the rest needless. */
  get isWhole(): boolean {
    const isCutShort = this.#items.length < (this.#plan?.length ?? 1);
    return this.#hasEnded && (!isCutShort || this.hasFailed);
  }

  get hasFailed(): boolean {
    return this.#items.some(({ passed }) => !passed);
  }

  /** @returns whether the line has its place */
  take(line: ProofLine): boolean {
    if (this.#hasEnded) return false;
    if ('plan' in line) {
      if (this.#plan !== null) return false;
      this.#plan = line.plan;
    } else if ('item' in line) {
      if (this.#plan?.[this.#items.length] !== line.item.name) return false;
      this.#items.push(line.item);
    } else {
      if (this.#plan === null) return false;
      this.#hasEnded = true;
    }
    this.#onStep?.(this.#items.length, this.#plan.length);
    return true;
  }

  proof(added: readonly ProofItem[]): Proof {
    const items = [...this.#items, ...added];
    return { passed: items.length > 0 && items.every(({ passed }) => passed), items };
  }
}

function argumentsOf({ path: file, release }: Candidate, options: ProveModelOptions): string[] {
  const { current, data, heap = HEAP, program = PROGRAM } = options;
  const { proof, learning } = release;
  return [
    ...[`--max-old-space-size=${heap}`, program, 'provision', 'prove', path.resolve(file), '--json'],
    ...(current === null ? [] : ['--current', path.resolve(current)]),
    ...(data === null ? [] : ['--data', path.resolve(data)]),
    ...['--demands', JSON.stringify({ proof, learning })],
  ];
}

/** @returns why the process did not end as it must; null when it did */
function runs(words: readonly string[], account: Account, deadline: number): Promise<string | null> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'pipe'] });
    let [problem, told, rest]: [string | null, string, string] = [null, '', ''];
    let characters = 0;
    const end = (why: string) => {
      problem ??= why;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => end(`it took longer than ${deadline / 1000} s`), deadline);
    child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
      characters += chunk.length;
      if (characters > MOST_OUTPUT) return end(`it said more than ${MOST_OUTPUT} characters`);
      const texts = (rest + chunk).split('\n');
      // What is left at its end was cut off with it.
      rest = texts.pop() ?? '';
      for (const text of texts) {
        const line = problem === null ? parsed(text) : null;
        if (line === null || !account.take(line)) return end('it said what is no line of a proof');
      }
    });
    child.stderr.on('data', (chunk: Buffer) => {
      told = (told + chunk.toString()).slice(-TOLD);
    });
    const settle = (ending: string | null) => {
      clearTimeout(timer);
      const said = told.trim() === '' ? '' : `: ${printable(told.trim())}`;
      resolve(problem ?? (ending === null ? null : `${ending}${said}`));
    };
    child.on('error', ({ message }) => settle(`it cannot be started (${message})`));
    child.on('close', (code, signal) => settle(endingOf(code, signal, account.hasFailed)));
  });
}

/** What is refused ends with 3, and is told in its items. */
function endingOf(code: number | null, signal: NodeJS.Signals | null, hasFailed: boolean): string | null {
  if (signal !== null) return `it was ended by ${signal}`;
  return code === (hasFailed ? EXIT.refused : EXIT.done) ? null : `it ended with ${code}`;
}

function parsed(text: string): ProofLine | null {
  try {
    return lineSchema.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
