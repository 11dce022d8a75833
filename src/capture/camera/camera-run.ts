import { type ChildProcess, spawn } from 'node:child_process';
import { reasonOf, SpikescopeError, systemCodeOf } from '../../errors.ts';
import type { FrameReader, FrameSink } from './frame-reader.ts';
import type { FrameGeometry } from './geometry.ts';
import { isHeldUp } from './held-up.ts';
import { type Output, openOutput } from './output.ts';
import type { CameraProgram } from './program.ts';

/** Milliseconds without frames after which a camera program counts as stuck. */
export interface CameraDeadlines {
  /** Until the first frame: sensors and their algorithms take seconds to settle. */
  readonly start: number;
  /** Between frames. */
  readonly stall: number;
  /**
   * Without bytes, of a program that is not held up: the camera is between two frames. Well below the time from one frame
   * to the next.
   */
  readonly pause: number;
}

export interface CameraRunListener {
  open(geometry: FrameGeometry): FrameSink;
  /** The stream paused at the end of a frame: those since the last pause are whole and in their places. */
  onTrusted(): void;
  /** The stream paused within a frame: it lost bytes, and those since the last pause may be shifted. */
  onTruncated(): void;
}

const KEPT_STDERR = 1000;

/**
 * One life of a camera program: started, read from, ended.
 * @returns never normally while the camera works: rejects with the fault that ended it, resolves after `signal` aborts
 * @throws SpikescopeError `CAMERA_PROGRAM_MISSING`, `CAMERA_EXITED`, `CAMERA_STALLED`, `CAMERA_STREAM`
 */
export async function runCamera(
  program: CameraProgram,
  listener: CameraRunListener,
  deadlines: CameraDeadlines,
  signal: AbortSignal,
): Promise<void> {
  const output = await openOutput((bytes) => run.take(bytes)).catch((cause: unknown) => {
    throw unstartable(program, cause, false, 'check the folder for temporary files (TMPDIR)');
  });
  const child = spawn(program.command, program.arguments, { stdio: ['ignore', output.entrance, 'pipe'] });
  output.entrance.destroy();
  const run = new CameraRun(program, child, output, listener, deadlines);
  const stop = (): void => run.end(null);
  signal.addEventListener('abort', stop, { once: true });
  if (signal.aborted) stop();
  try {
    await run.ended;
  } finally {
    signal.removeEventListener('abort', stop);
  }
}

class CameraRun {
  readonly ended: Promise<void>;
  readonly #program: CameraProgram;
  readonly #child: ChildProcess;
  readonly #output: Output;
  readonly #listener: CameraRunListener;
  readonly #deadlines: CameraDeadlines;
  readonly #reader: FrameReader;
  #stderr = '';
  #fault: SpikescopeError | null | undefined;
  #hasFrames = false;
  #pieces = 0;
  #deadline: NodeJS.Timeout;
  #pause: NodeJS.Timeout | undefined;

  constructor(
    program: CameraProgram,
    child: ChildProcess,
    output: Output,
    listener: CameraRunListener,
    deadlines: CameraDeadlines,
  ) {
    this.#program = program;
    this.#child = child;
    this.#output = output;
    this.#listener = listener;
    this.#deadlines = deadlines;
    this.#reader = program.reader((geometry) => listener.open(geometry));
    this.#deadline = setTimeout(() => this.end(this.#stalled()), deadlines.start);
    child.stderr?.on('data', (bytes: Buffer) => {
      this.#stderr = (this.#stderr + bytes.toString()).slice(-KEPT_STDERR);
    });
    this.ended = new Promise((resolve, reject) => {
      const settle = (otherwise: SpikescopeError): void => {
        clearTimeout(this.#deadline);
        clearTimeout(this.#pause);
        const fault = this.#fault === undefined ? otherwise : this.#fault;
        if (fault === null) resolve();
        else reject(fault);
      };
      const emptied = new Promise((empty) => output.exit.once('close', empty));
      child.once('error', (cause) => settle(unstartable(program, cause, systemCodeOf(cause) === 'ENOENT')));
      child.once('close', (code, killedBy) => void emptied.then(() => settle(this.#exited(code, killedBy))));
    });
  }

  /** Ends the program, for a fault or on request. What it ends with after that does not matter. */
  end(fault: SpikescopeError | null): void {
    if (this.#fault !== undefined) return;
    this.#fault = fault;
    // A program that hangs in a driver call does not hear gentler signals, and there is nothing for it to save.
    this.#child.kill('SIGKILL');
    this.#output.exit.destroy();
    this.#child.stderr?.destroy();
  }

  take(bytes: Uint8Array): void {
    if (this.#fault !== undefined) return;
    clearTimeout(this.#pause);
    this.#pieces++;
    try {
      this.#reader.push(bytes);
    } catch (error) {
      if (!(error instanceof SpikescopeError)) throw error;
      this.end(error);
      return;
    }
    this.#awaitPause();
  }

  #awaitPause(): void {
    this.#pause = setTimeout(() => this.#noticePause(), this.#deadlines.pause);
  }

  #noticePause(): void {
    const pieces = this.#pieces;
    // Asked before bytes are looked for: one that ended its frame and went to sleep in between has left them by then.
    const isWaitedFor = this.#reader.isInsideFrame && isHeldUp(this.#child.pid ?? 0);
    // Where this thread was busy, bytes may lie unread while the timer fires: they get their turn first.
    setImmediate(() => {
      if (this.#fault !== undefined || this.#pieces !== pieces) return;
      if (isWaitedFor) this.#awaitPause();
      else if (this.#reader.isInsideFrame) this.#abandonFrame();
      else this.#trustFrames();
    });
  }

  #trustFrames(): void {
    this.#hasFrames = true;
    clearTimeout(this.#deadline);
    this.#deadline = setTimeout(() => this.end(this.#stalled()), this.#deadlines.stall);
    this.#listener.onTrusted();
  }

  #abandonFrame(): void {
    this.#listener.onTruncated();
    if (this.#reader.abandon()) return;
    this.end(this.#faultOf('CAMERA_STREAM', 'The camera program stopped in the middle of a frame', {}));
  }

  #stalled(): SpikescopeError {
    const { start, stall } = this.#deadlines;
    return this.#faultOf('CAMERA_STALLED', 'The camera gives no frames', {
      expected: `a frame within ${this.#hasFrames ? stall : start} ms`,
      received: this.#hasFrames ? 'frames, then none' : 'none since the start',
      remedy: 'check the camera cable and its seat at both ends',
    });
  }

  #exited(code: number | null, killedBy: NodeJS.Signals | null): SpikescopeError {
    return this.#faultOf('CAMERA_EXITED', 'The camera program ended', {
      received: killedBy === null ? `exit code ${code}` : `signal ${killedBy}`,
      remedy: 'check that the camera is connected and that no other program uses it',
    });
  }

  #faultOf(
    code: string,
    message: string,
    details: { expected?: string; received?: string; remedy?: string },
  ): SpikescopeError {
    const said = this.#stderr.trim().split('\n').at(-1);
    return new SpikescopeError(code, message, {
      file: this.#program.command,
      ...details,
      ...(said && { received: [details.received, `“${said}”`].filter(Boolean).join(', ') }),
    });
  }
}

function unstartable(
  { command }: CameraProgram,
  cause: unknown,
  isMissing: boolean,
  remedy?: string,
): SpikescopeError {
  return new SpikescopeError(
    isMissing ? 'CAMERA_PROGRAM_MISSING' : 'CAMERA_EXITED',
    isMissing ? 'A camera program is not installed' : 'The camera program cannot be started',
    { file: command, received: reasonOf(cause), ...(remedy && { remedy }), cause },
  );
}
