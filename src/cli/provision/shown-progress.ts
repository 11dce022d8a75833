import { note, type Progress, startProgress } from '../../ui/terminal/console.ts';
import type { UpdateProgress } from '../../updates/progress.ts';

type Told = Parameters<UpdateProgress['tell']>[0];

/** Tells the progress of an update to its file, and to whoever watches stderr: a line for a stage, a bar for its steps. */
export class ShownProgress implements Pick<UpdateProgress, 'tell'> {
  readonly #file: Pick<UpdateProgress, 'tell'>;
  #shown: { readonly key: string; readonly bar: Progress; done: number } | null = null;

  constructor(file: Pick<UpdateProgress, 'tell'>) {
    this.#file = file;
  }

  tell(told: Told): void {
    this.#file.tell(told);
    const { stage, target, done, of } = told;
    const key = `${stage} ${target}`;
    if (this.#shown?.key !== key) {
      this.stop();
      note(`${stage}: ${target}`);
      this.#shown = { key, bar: startProgress(stage, of), done: 0 };
    }
    this.#shown.bar.advance(done - this.#shown.done);
    this.#shown.done = done;
  }

  stop(): void {
    this.#shown?.bar.stop();
    this.#shown = null;
  }
}
