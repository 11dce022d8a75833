import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { z } from 'zod';
import type { Candidate, Proof, ProofItem } from './contract.ts';

export interface ApplicationProofOptions {
  /** The model that it must read with. Default: the one that comes with it. */
  readonly model?: string;
  /** Milliseconds that each step may take. Default 2 minutes: a device may be busy. */
  readonly deadline?: number;
  /** Folder for what is written meanwhile. Default: the system's. */
  readonly scratch?: string;
}

const DEADLINE = 120_000;
/** Bytes of what a step says, at most. */
const MOST_SAID = 4 * 2 ** 20;
/** What would speak to the supervisor of this process, or lead to its data. */
const NOT_INHERITED =
  /^(NOTIFY_SOCKET|WATCHDOG_.*|INVOCATION_ID|LISTEN_.*|SPIKESCOPE_.*|NODE_OPTIONS|XDG_STATE_HOME)$/;

/** One way of running the candidate, and what it must say. */
interface Step {
  readonly name: string;
  readonly args: readonly string[];
  readonly required: string;
  /** Why what it printed does not do; null where it does. */
  readonly judge: (printed: string) => string | null;
}

/**
 * Runs an application that lies in a slot on this very device, in processes and with a data folder of its own: it starts,
 * opens the model, which answers its golden inputs, and takes a drawing through a whole capture into a journal that
 * verifies.
 */
export async function proveApplication(
  { release, path: tree }: Candidate,
  onStep: (done: number, of: number) => void = () => {},
  { model, deadline = DEADLINE, scratch = tmpdir() }: ApplicationProofOptions = {},
): Promise<Proof> {
  const folder = await mkdtemp(path.join(scratch, 'spikescope-proof-'));
  try {
    const steps = stepsOf(release.version, model ?? null, path.join(folder, 'data'));
    const items: ProofItem[] = [];
    for (const step of steps) {
      // What does not even start needs no further trying.
      const isHopeless = items.length > 0 && !items[0].passed;
      items.push(isHopeless ? notTried(step) : await tried(step, tree, folder, deadline));
      onStep(items.length, steps.length);
    }
    return { passed: items.every(({ passed }) => passed), items };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function stepsOf(version: string, model: string | null, data: string): Step[] {
  const withModel = model === null ? [] : ['--model', model];
  const journal = ['--data', data];
  return [
    {
      name: 'starts',
      args: ['--version'],
      required: `prints ${version}`,
      judge: (printed) => (printed.trim() === version ? null : `printed ${printed.trim().slice(0, 40)}`),
    },
    {
      name: 'doctor',
      args: ['doctor', '--json', ...withModel, ...journal],
      required: 'engine and models work, the model answers its golden inputs',
      judge: doctorFault,
    },
    {
      name: 'capture',
      args: [
        ...['run', '--source', 'phantom', '--count', '1', '--backend', 'cpu', '--json', ...withModel],
        ...journal,
      ],
      required: 'a drawing is read and recorded',
      judge: captureFault,
    },
    {
      name: 'journal',
      args: ['journal', 'verify', '--json', ...journal],
      required: 'the journal that it wrote verifies',
      judge: () => null,
    },
  ];
}

const findingsSchema = z.object({ findings: z.array(z.object({ part: z.string(), state: z.string() })) });
const NEEDED = ['engine', 'models'];

function doctorFault(printed: string): string | null {
  const parsed = findingsSchema.safeParse(jsonIn(printed));
  if (!parsed.success) return 'no findings';
  const { findings } = parsed.data;
  const broken = NEEDED.filter(
    (part) => !findings.some((each) => each.part === part && each.state === 'works'),
  );
  return broken.length === 0 ? null : `${broken.join(', ')} do not work`;
}

const resultSchema = z.object({
  id: z.string(),
  accepted: z.boolean(),
  model: z.object({ digest: z.string() }),
});

function captureFault(printed: string): string | null {
  return resultSchema.safeParse(jsonIn(printed)).success ? null : 'no result';
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function notTried({ name, required }: Step): ProofItem {
  return { name, passed: false, measured: null, required: `${required}; not tried` };
}

async function tried(step: Step, tree: string, folder: string, deadline: number): Promise<ProofItem> {
  const { name, required } = step;
  const { outcome, printed, milliseconds } = await ran(step.args, tree, folder, deadline);
  // `doctor` ends with 1 where a part that is not needed here is broken.
  const fault =
    outcome === 'exit 0' || (name === 'doctor' && outcome === 'exit 1') ? step.judge(printed) : outcome;
  return {
    name,
    passed: fault === null,
    measured: Math.round(milliseconds),
    required: fault === null ? required : `${required}; ${fault}`,
  };
}

interface Ran {
  /** Such as `exit 0`, `ended by SIGSEGV`, `not ended in 120000 ms`. */
  readonly outcome: string;
  readonly printed: string;
  readonly milliseconds: number;
}

function ran(args: readonly string[], tree: string, folder: string, deadline: number): Promise<Ran> {
  const inherited = Object.entries(process.env).filter(([name]) => !NOT_INHERITED.test(name));
  const started = performance.now();
  const child = spawn(process.execPath, [path.join(tree, 'bin/spikescope.mjs'), ...args], {
    cwd: folder,
    env: { ...Object.fromEntries(inherited), HOME: folder, NO_COLOR: '1' },
    stdio: ['ignore', 'pipe', 'ignore'],
    detached: true,
  });
  const pieces: Buffer[] = [];
  let said = 0;
  let cause: string | null = null;
  const end = (why: string) => {
    cause ??= why;
    killGroup(child.pid);
  };
  child.stdout.on('data', (piece: Buffer) => {
    said += piece.length;
    if (said > MOST_SAID) end('said too much');
    else pieces.push(piece);
  });
  const timer = setTimeout(() => end(`not ended in ${deadline} ms`), deadline);
  return new Promise((resolve) => {
    const settle = (outcome: string) => {
      clearTimeout(timer);
      const printed = Buffer.concat(pieces).toString('utf8');
      resolve({ outcome: cause ?? outcome, printed, milliseconds: performance.now() - started });
    };
    child.once('error', (error) => settle(error.message));
    child.once('close', (status, signal) =>
      settle(signal === null ? `exit ${status}` : `ended by ${signal}`),
    );
    // What it started itself would keep the pipe open.
    child.once('exit', () => killGroup(child.pid));
  });
}

function killGroup(pid: number | undefined): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}
