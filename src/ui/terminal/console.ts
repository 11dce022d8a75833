/**
 * What a command shows. Results go to stdout: text for people, or with `--json` one document or JSON lines and
 * nothing else. Progress, notes and errors go to stderr.
 */
import { SingleBar } from 'cli-progress';
import { createColors } from 'picocolors';
import { EXIT } from '../../errors.ts';

/** Colour only where a person looks: on a terminal, and not when NO_COLOR is set. */
export const colour = createColors(process.stdout.isTTY === true && process.env.NO_COLOR === undefined);

export interface Progress {
  advance(steps?: number): void;
  stop(): void;
}

let readerLeft = endProcess;

function endProcess(): void {
  process.exit(EXIT.done);
}

/** `spikescope … | head` closes the pipe early; that is no failure, and ends the program unless it says otherwise. */
export function watchReader(): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
    readerLeft();
  });
}

/** For a program that must still put things in order when its reader has left. Undone by what it returns. */
export function onReaderLeft(action: () => void): () => void {
  readerLeft = action;
  return () => {
    readerLeft = endProcess;
  };
}

/** One line of text for people, on stdout. */
export function print(line = ''): void {
  process.stdout.write(`${line}\n`);
}

/** One JSON value on a line of stdout. */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}

let areNotesHidden = false;

/** For a program whose stderr is a structured log: remarks in words are not written any more. */
export function hideNotes(areHidden: boolean): void {
  areNotesHidden = areHidden;
}

/** A remark beside the result, on stderr. */
export function note(line: string): void {
  if (!areNotesHidden) process.stderr.write(`${line}\n`);
}

/** A bar with rate and ETA on stderr; on a pipe, a line every ten seconds. */
export function startProgress(label: string, total: number): Progress {
  return process.stderr.isTTY ? startBar(label, total) : startLines(label, total);
}

function startBar(label: string, total: number): Progress {
  const bar = new SingleBar({
    format: `${label} {bar} {value}/{total}  {percentage} %  ETA {eta_formatted}`,
    stream: process.stderr,
    etaBuffer: 50,
    hideCursor: true,
    clearOnComplete: false,
  });
  bar.start(total, 0);
  return { advance: (steps = 1) => bar.increment(steps), stop: () => bar.stop() };
}

function startLines(label: string, total: number): Progress {
  const started = performance.now();
  let last = started;
  let done = 0;
  return {
    advance(steps = 1) {
      done += steps;
      const now = performance.now();
      if (now - last < 10_000) return;
      last = now;
      const remaining = Math.ceil((((now - started) / done) * (total - done)) / 1000);
      note(`${label} ${done}/${total}, about ${remaining} s to go`);
    },
    stop() {},
  };
}
