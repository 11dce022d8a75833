import { note } from '../../ui/terminal/console.ts';
import type { UpdateProgress } from '../../updates/progress.ts';
import { StageBars, type Told } from './stage-bars.ts';

/** Tells the progress of an update to its file, and to whoever watches stderr: a line for a stage, a bar for its steps. */
export class ShownProgress implements Pick<UpdateProgress, 'tell'> {
  readonly #file: Pick<UpdateProgress, 'tell'>;
  readonly #bars = new StageBars(({ stage, target }) => note(`${stage}: ${target}`));

  constructor(file: Pick<UpdateProgress, 'tell'>) {
    this.#file = file;
  }

  tell(told: Told): void {
    this.#file.tell(told);
    this.#bars.show(told);
  }

  stop(): void {
    this.#bars.stop();
  }
}
