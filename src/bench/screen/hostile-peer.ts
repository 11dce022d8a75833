import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { SpikescopeError } from '../../errors.ts';
import { COMPILED } from './bench-device.ts';
import { type HostileAnswer, type HostileWord, hostileAnswerSchema } from './messages.ts';

/** Somebody hostile, a process of its own: silent until it is let go. */
export class HostilePeer {
  readonly #child: ChildProcess;
  readonly #failed: Promise<never>;

  /** @param url of a screen */
  constructor(url: string) {
    const program = fileURLToPath(new URL('hostile-program.js', COMPILED));
    this.#child = fork(program, [url], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] });
    this.#failed = once(this.#child, 'exit').then(([code]) => {
      throw new SpikescopeError('BENCH_PROCESS', 'The hostile program failed', { received: `exit ${code}` });
    });
    this.#failed.catch(() => {});
  }

  go(): void {
    this.#say('go');
  }

  /**
   * Until its last request is answered.
   * @returns all since its start
   * @throws SpikescopeError `BENCH_PROCESS` when it has ended
   */
  async pause(): Promise<HostileAnswer> {
    this.#say('pause');
    const answered = new Promise<unknown>((resolve) => this.#child.once('message', resolve));
    return hostileAnswerSchema.parse(await Promise.race([answered, this.#failed]));
  }

  async end(): Promise<void> {
    const ended = once(this.#child, 'exit');
    if (this.#child.connected) this.#child.disconnect();
    if (this.#child.exitCode === null && this.#child.signalCode === null) await ended;
  }

  #say(word: HostileWord): void {
    this.#child.send(word);
  }
}
