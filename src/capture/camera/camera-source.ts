import { EventEmitter, once } from 'node:events';
import { existsSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { ExponentialBackoff } from 'cockatiel';
import { SpikescopeError } from '../../errors.ts';
import type { YuvFrame } from '../../frame.ts';
import type { SourceKind } from '../kinds.ts';
import type { Capture, CaptureSource, LiveFrame } from '../source.ts';
import type { SourceOptions } from '../source-type.ts';
import { type CameraDeadlines, type CameraRunListener, runCamera } from './camera-run.ts';
import { FrameRing, type StoredFrame } from './frame-ring.ts';
import type { CameraProgram } from './program.ts';

export interface CameraOptions {
  readonly kind: SourceKind;
  /** What a person should read about this camera. */
  readonly description: string;
  /** Tried in this order until one is installed. */
  readonly programs: readonly CameraProgram[];
  /** The node that stands for the camera while it is connected; without one, only its program can tell. */
  readonly device?: string;
  /** Whether a node that is absent before the first frame is a failure, instead of being waited for. */
  readonly mustBePresent?: boolean;
  /** Of the last frames the one with the highest value is captured. */
  readonly sharpness: (frame: YuvFrame) => number;
  /** Called for every fault that the camera recovers from by itself. */
  readonly onFault: (fault: SpikescopeError) => void;
  /** Frames per second. */
  readonly rate: number;
  readonly deadlines?: Partial<CameraDeadlines>;
  /** Milliseconds to the first restart and at most, with jitter between. */
  readonly pauses?: { readonly first: number; readonly longest: number };
}

/** How a camera is doing. */
export interface CameraHealth {
  /** Frames that began and were not finished. */
  readonly truncated: number;
  /** Times the program was started again. */
  readonly restarts: number;
}

const DEADLINES = { start: 15_000, stall: 3_000 };
const PAUSES = { first: 200, longest: 10_000 };
/** Frames to choose from. */
const DEPTH = 5;
/** Milliseconds: an older frame does not show what the button was pressed for. */
const FRESHNESS = 1000;

/**
 * A camera behind a resident program. The program is started once and read all the time, so that a capture takes no
 * longer than the choice among the last frames; when it dies, stalls or writes nonsense it is started again, with
 * growing pauses, for as long as the source runs.
 */
export class CameraSource implements CaptureSource {
  readonly kind: SourceKind;
  readonly #options: CameraOptions;
  readonly #events = new EventEmitter();
  readonly #stopped = new AbortController();
  #ring: FrameRing | null = null;
  #supervision: Promise<void> | null = null;
  #fatal: SpikescopeError | null = null;
  #fault: SpikescopeError | null = null;
  #lastFrameAt: number | null = null;
  #truncated = 0;
  #restarts = 0;

  constructor(options: CameraOptions) {
    this.kind = options.kind;
    this.#options = options;
  }

  describe(): string {
    return this.#options.description;
  }

  health(): CameraHealth {
    return { truncated: this.#truncated, restarts: this.#restarts };
  }

  frameAge(): number | null {
    return this.#lastFrameAt === null ? null : performance.now() - this.#lastFrameAt;
  }

  newest(): LiveFrame | null {
    const frame = this.#ring?.newest() ?? null;
    return frame && { frame, takenAt: frame.completedAt, age: performance.now() - frame.stamp };
  }

  onFrame(listener: () => void): () => void {
    this.#events.on('change', listener);
    return () => void this.#events.off('change', listener);
  }

  fault(): SpikescopeError | null {
    return this.#fault;
  }

  start(): void {
    this.#supervision ??= this.#supervise();
  }

  async stop(): Promise<void> {
    this.#stopped.abort();
    await this.#supervision;
  }

  /** @throws SpikescopeError `CAMERA_PROGRAM_MISSING`, and where the camera must be there `CAMERA_ABSENT` */
  async *frames(signal: AbortSignal): AsyncGenerator<Capture> {
    this.start();
    const ended = AbortSignal.any([signal, this.#stopped.signal]);
    for (let last: Lent | null = null; ; ) {
      last = await this.#next(last, ended);
      if (last === null) return;
      const { ring, frame } = last;
      try {
        yield { image: frame, capturedAt: frame.completedAt, origin: this.describe() };
      } finally {
        ring.release(frame);
      }
    }
  }

  async #next(last: Lent | null, ended: AbortSignal): Promise<Lent | null> {
    while (!ended.aborted) {
      if (this.#fatal !== null) throw this.#fatal;
      const ring = this.#ring;
      const after = last !== null && last.ring === ring ? last.frame.sequence : 0;
      const since = performance.now() - FRESHNESS;
      const frame = ring?.lendBest(after, since, this.#options.sharpness) ?? null;
      if (ring !== null && frame !== null) return { ring, frame };
      await once(this.#events, 'change', { signal: ended }).catch(() => {});
    }
    return null;
  }

  async #supervise(): Promise<void> {
    const { signal } = this.#stopped;
    const { first, longest } = this.#options.pauses ?? PAUSES;
    const fresh = () => new ExponentialBackoff({ initialDelay: first, maxDelay: longest }).next();
    for (let pause = fresh(); !signal.aborted; pause = pause.next(undefined)) {
      const lastFrameBefore = this.#lastFrameAt;
      const ending = await this.#runOnce(signal);
      if (ending === null || signal.aborted) return;
      const fault = ending.code === 'CAMERA_PROGRAM_MISSING' ? ending : (this.#absence() ?? ending);
      this.#fault = fault;
      if (this.#isFatal(fault)) {
        this.#fatal = fault;
        this.#events.emit('change');
        return;
      }
      this.#options.onFault(fault);
      if (this.#lastFrameAt !== lastFrameBefore) pause = fresh();
      await delay(pause.duration, undefined, { signal }).catch(() => {});
      this.#restarts++;
    }
  }

  /** One life of the first program that is installed; what ended it, or null when it was asked to end. */
  async #runOnce(signal: AbortSignal): Promise<SpikescopeError | null> {
    const deadlines = { ...DEADLINES, pause: 250 / this.#options.rate, ...this.#options.deadlines };
    for (const program of this.#options.programs) {
      try {
        this.#ring?.forgetUntrusted();
        await runCamera(program, this.#listener(), deadlines, signal);
        return null;
      } catch (fault) {
        if (!(fault instanceof SpikescopeError)) throw fault;
        if (fault.code !== 'CAMERA_PROGRAM_MISSING') return fault;
      }
    }
    return this.#missing();
  }

  #isFatal({ code }: SpikescopeError): boolean {
    if (code === 'CAMERA_PROGRAM_MISSING') return true;
    return code === 'CAMERA_ABSENT' && this.#options.mustBePresent === true && this.#lastFrameAt === null;
  }

  /** What a program says of a node that is not there differs from program to program. */
  #absence(): SpikescopeError | null {
    const { device } = this.#options;
    if (device === undefined || existsSync(device)) return null;
    return new SpikescopeError('CAMERA_ABSENT', 'The camera is not connected', {
      file: device,
      expected: 'the device node of a camera',
      received: 'none',
      remedy: 'connect the camera, or name another of `ls /dev/video*`',
    });
  }

  #listener(): CameraRunListener {
    return {
      open: (geometry) => {
        const ring = this.#ring?.holds(geometry) ? this.#ring : new FrameRing(geometry, DEPTH);
        this.#ring = ring;
        return ring;
      },
      onTrusted: () => {
        this.#ring?.trust();
        this.#lastFrameAt = performance.now();
        this.#fault = null;
        this.#events.emit('change');
      },
      onTruncated: () => {
        this.#ring?.forgetUntrusted();
        this.#truncated++;
      },
    };
  }

  #missing(): SpikescopeError {
    const commands = this.#options.programs.map(({ command }) => command);
    return new SpikescopeError('CAMERA_PROGRAM_MISSING', 'No camera program is installed', {
      expected: commands.join(' or '),
      received: 'none of them on the path',
      remedy: commands.includes('ffmpeg') ? 'apt-get install ffmpeg' : 'apt-get install rpicam-apps-lite',
    });
  }
}

interface Camera extends Pick<CameraOptions, 'kind' | 'programs' | 'device'> {
  readonly name: string;
}

/** A camera, as the options for any source have it. */
export function openCamera({ name, ...camera }: Camera, options: SourceOptions): CameraSource {
  const { sharpness, onFault, mustBePresent } = options;
  const { width, height, rate } = options.camera;
  const description = `${name}, ${width}×${height} at ${rate} frames a second`;
  return new CameraSource({ ...camera, description, rate, sharpness, onFault, mustBePresent });
}

interface Lent {
  readonly ring: FrameRing;
  readonly frame: StoredFrame;
}
