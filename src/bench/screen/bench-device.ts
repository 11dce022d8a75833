import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { SpikescopeError } from '../../errors.ts';
import {
  answerSchema,
  type DeviceAnswer,
  type DeviceArguments,
  type DeviceRequest,
  type MemoryUse,
} from './messages.ts';

/** Frames of the camera: the usual size, at more than eyes ask of a viewfinder. */
export const CAMERA: BenchCamera = { width: 1280, height: 960, rate: 30 };

export interface BenchCamera {
  readonly width: number;
  readonly height: number;
  /** Frames a second. */
  readonly rate: number;
}

const MOST_ATTEMPTS = 10;

/** Compiled programs, also where this runs as it is written. */
export const COMPILED = new URL(
  import.meta.url.endsWith('.ts') ? '../../../dist/bench/screen/' : './',
  import.meta.url,
);

export interface BenchDeviceOptions {
  readonly hasScreen: boolean;
  /** Default: `CAMERA`. */
  readonly camera?: BenchCamera;
}

/** A device in a process of its own, before a camera that shows phantoms. */
export class BenchDevice {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #waiting = new Map<number, (answer: DeviceAnswer) => void>();
  readonly #failed: Promise<never>;
  #asked = 0;
  #url: string | null = null;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    const said: string[] = [];
    child.stderr?.on('data', (piece: Buffer) => said.push(piece.toString('utf8')));
    this.#failed = once(child, 'exit').then(([code]) => {
      throw new SpikescopeError('BENCH_PROCESS', 'The appliance failed', {
        received: `exit ${code}: ${said.join('').slice(-400).trim()}`,
      });
    });
    this.#failed.catch(() => {});
    child.on('message', (message) => this.#hear(answerSchema.parse(message)));
  }

  /** @throws SpikescopeError `BENCH_PROCESS` when the program is not compiled, or ends */
  static async start({ hasScreen, camera = CAMERA }: BenchDeviceOptions): Promise<BenchDevice> {
    const program = fileURLToPath(new URL('device-process.js', COMPILED));
    if (!existsSync(program)) {
      throw new SpikescopeError('BENCH_PROCESS', 'The appliance of the bench is not compiled', {
        expected: program,
        remedy: 'type npm run build',
      });
    }
    const folder = mkdtempSync(path.join(tmpdir(), 'screen-bench-'));
    writeCamera(path.join(folder, 'rpicam-vid'));
    const settings: DeviceArguments = {
      data: path.join(folder, 'data'),
      cameraSize: `${camera.width}x${camera.height}`,
      cameraRate: camera.rate,
      hasScreen,
    };
    const child = fork(program, [JSON.stringify(settings)], {
      env: { ...process.env, PATH: `${folder}:${process.env.PATH}` },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const device = new BenchDevice(child, folder);
    const { url } = await device.#answer(0);
    device.#url = url ?? null;
    return device;
  }

  /** Of the page. @throws Error for a device without a screen */
  get url(): string {
    if (this.#url === null) throw new Error('a device without a screen has no page');
    return this.#url;
  }

  /**
   * As its button does, again where no frame came: a machine that is busy elsewhere starves the camera.
   * @throws SpikescopeError `BENCH_PROCESS`
   */
  async capture(): Promise<void> {
    for (let attempt = 0; attempt < MOST_ATTEMPTS; attempt++) {
      const { result } = await this.#ask('capture');
      if (typeof result === 'string') return;
    }
    throw new SpikescopeError('BENCH_PROCESS', 'The appliance has read nothing', {
      received: `no reading of ${MOST_ATTEMPTS} presses`,
    });
  }

  /** As its button does: a reading that waits for an answer is let go. */
  async undo(): Promise<void> {
    await this.#ask('undo');
  }

  /** When the flow was given the frame of each result since this was asked last, milliseconds since 1970. */
  async framed(): Promise<ReadonlyMap<string, number>> {
    return new Map(Object.entries((await this.#ask('framed')).framed ?? {}));
  }

  /** After a collection. */
  async memory(): Promise<MemoryUse> {
    const { memory } = await this.#ask('memory');
    if (memory === undefined) throw new Error('the device does not tell its memory');
    return memory;
  }

  /** Milliseconds of a core that it has used. */
  async cpu(): Promise<number> {
    return (await this.#ask('cpu')).cpu ?? Number.NaN;
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.send({ id: -1, ask: 'end' } satisfies DeviceRequest);
    if (this.#child.exitCode === null && this.#child.signalCode === null) await ended;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #ask(ask: DeviceRequest['ask']): Promise<DeviceAnswer> {
    const id = ++this.#asked;
    const answered = this.#answer(id);
    this.#child.send({ id, ask } satisfies DeviceRequest);
    return answered;
  }

  #answer(id: number): Promise<DeviceAnswer> {
    const answered = new Promise<DeviceAnswer>((resolve) => this.#waiting.set(id, resolve));
    return Promise.race([answered, this.#failed]);
  }

  #hear(answer: DeviceAnswer): void {
    this.#waiting.get(answer.id)?.(answer);
    this.#waiting.delete(answer.id);
  }
}

/** What the device takes for the camera's program. */
function writeCamera(file: string): void {
  const program = fileURLToPath(new URL('camera-program.js', COMPILED));
  writeFileSync(file, `#!/bin/sh\nexec '${process.execPath}' '${program}' "$@"\n`, { mode: 0o755 });
}
