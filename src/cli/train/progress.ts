import type { TrainingJob } from '../../training/trainer/train.ts';
import { note, type Progress, startProgress } from '../../ui/terminal/console.ts';

/** Steps of the bar. */
const UNITS = 1000;

/** What `train` tells: a bar with ETA per stage and a line per epoch, all on stderr. */
export function trainingProgress(): Required<Pick<TrainingJob, 'onStage' | 'onStep' | 'onEpoch'>> & {
  stop(): void;
} {
  let stage = '';
  let bar: Progress | null = null;
  let shown = 0;
  const stop = () => {
    bar?.stop();
    bar = null;
  };
  return {
    onStage(name, epochs) {
      stop();
      stage = name;
      note(`Stage ${name}, ${epochs} epochs`);
    },
    onStep(share) {
      const done = Math.floor(UNITS * share);
      if (bar === null) {
        bar = startProgress(`${stage}, ‰`, UNITS - done);
        shown = done;
      }
      if (done > shown) bar.advance(done - shown);
      shown = done;
    },
    onEpoch(name, { epoch, loss, seconds, validation }) {
      const percent = (share: number) => `${(100 * share).toFixed(1)} %`;
      note(
        `${name} epoch ${epoch}: loss ${loss.toFixed(4)}, validation top-1 ${percent(validation.top1)}, ` +
          `macro F1 ${percent(validation.macroF1)}, ${seconds.toFixed(0)} s`,
      );
    },
    stop,
  };
}
