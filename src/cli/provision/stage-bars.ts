import { type Progress, startProgress } from '../../ui/terminal/console.ts';
import type { UpdateProgress } from '../../updates/progress.ts';

export type Told = Parameters<UpdateProgress['tell']>[0];

/** A bar for each stage of each release, one after the other. */
export class StageBars {
  readonly #onStage: (told: Told) => void;
  #shown: { readonly key: string; readonly bar: Progress; done: number } | null = null;

  /** @param onStage called before the bar of another stage */
  constructor(onStage: (told: Told) => void = () => {}) {
    this.#onStage = onStage;
  }

  show(told: Told): void {
    const { stage, target, done, of } = told;
    const key = `${stage} ${target}`;
    if (this.#shown?.key !== key) {
      this.stop();
      this.#onStage(told);
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
