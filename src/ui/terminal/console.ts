/**
 * What a command shows. Results go to stdout: text for people, or with `--json` one document or JSON lines and
 * nothing else. Progress, notes and errors go to stderr.
 */
import { SingleBar } from 'cli-progress';
import { createColors } from 'picocolors';
import { EXIT, SpikescopeError } from '../../errors.ts';
import { inAscii, obeysEscapes, showsUnicode, wantsColour } from './capabilities.ts';

export const colour = createColors(wantsColour(process.stdout.isTTY === true));

export interface Progress {
  advance(steps?: number): void;
  stop(): void;
}

let readerLeft = endProcess;

function endProcess(): void {
  process.exit(outputFault?.exitCode ?? EXIT.done);
}

let outputFault: SpikescopeError | null = null;
let isReaderWatched = false;

/**
 * `spikescope … | head` closes the pipe early; that is no failure, and ends the program unless it says otherwise. An output
 * that takes nothing any more for another reason, such as a full disk, ends it too, and is a failure. Called again, it does
 * nothing more.
 */
export function watchReader(): void {
  if (isReaderWatched) return;
  isReaderWatched = true;
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') readerLeft();
    else outputFails(error);
  });
  // Nobody is left who could be told.
  process.stderr.on('error', () => {});
}

function outputFails(cause: Error): void {
  if (outputFault !== null) return;
  outputFault = new SpikescopeError('OUTPUT', 'The output cannot be written', {
    received: cause.message,
    remedy: 'make room where stdout goes, or send it elsewhere',
    cause,
  });
  note(outputFault.describe());
  readerLeft();
}

/** What keeps stdout from being written; null as long as it can be. */
export function faultOfOutput(): SpikescopeError | null {
  return outputFault;
}

/** For a program that must still put things in order when its reader has left. Undone by what it returns. */
export function onReaderLeft(action: () => void): () => void {
  readerLeft = action;
  return () => {
    readerLeft = endProcess;
  };
}

const isUnicode = showsUnicode();

/** One line of text for people, on stdout. */
export function print(line = ''): void {
  beside(() => process.stdout.write(`${isUnicode ? line : inAscii(line)}\n`));
}

/** One JSON value on a line of stdout. */
export function printJson(value: unknown): void {
  beside(() => process.stdout.write(`${JSON.stringify(value)}\n`));
}

let areNotesHidden = false;

/** For a program whose stderr is a structured log: remarks in words are not written any more. */
export function hideNotes(areHidden: boolean): void {
  areNotesHidden = areHidden;
}

/** A remark beside the result, on stderr. */
export function note(line: string): void {
  if (areNotesHidden) return;
  beside(() => process.stderr.write(`${isUnicode ? line : inAscii(line)}\n`));
}

/** A bar that is drawn, and what takes it away and draws it again. */
interface DrawnBar {
  hide(): void;
  draw(): void;
}

let drawn: DrawnBar | null = null;

/** Writes while no bar is in the way: a line takes the place of the bar, which is drawn again below. */
function beside(write: () => void): void {
  const bar = drawn;
  bar?.hide();
  write();
  bar?.draw();
}

/** A bar with rate and ETA on stderr; on a pipe or a terminal that moves no cursor, a line every ten seconds. */
export function startProgress(label: string, total: number): Progress {
  return obeysEscapes(process.stderr.isTTY === true) ? startBar(label, total) : startLines(label, total);
}

/** Columns that a bar has at most. */
const BAR_WIDTH = 40;

function startBar(label: string, total: number): Progress {
  // Twice the total, the share, the time that is left, and what stands between them.
  const others = label.length + 2 * String(total).length + '  /  100 %  about 1000 s '.length;
  const width = Math.max(0, Math.min(BAR_WIDTH, (process.stderr.columns || 80) - others - 1));
  const bar = new SingleBar({
    format: `${label} ${width > 0 ? '{bar} ' : ''}{value}/{total}  {percentage} %{left}`,
    stream: process.stderr,
    barsize: width,
    hideCursor: true,
    clearOnComplete: true,
  });
  const started = performance.now();
  let done = 0;
  const left = () => ({ left: done === 0 ? '' : `  about ${secondsLeft(started, done, total)} s` });
  const own: DrawnBar = { hide: () => bar.stop(), draw: () => bar.start(total, done, left()) };
  own.draw();
  drawn = own;
  return {
    advance(steps = 1) {
      done += steps;
      if (drawn === own) bar.update(done, left());
    },
    stop() {
      if (drawn === own) drawn = null;
      own.hide();
    },
  };
}

function secondsLeft(started: number, done: number, total: number): number {
  return Math.ceil((((performance.now() - started) / done) * (total - done)) / 1000);
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
      const left = done === 0 ? '' : `, about ${secondsLeft(started, done, total)} s to go`;
      note(`${label} ${done}/${total}${left}`);
    },
    stop() {},
  };
}
