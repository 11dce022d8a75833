import type { BackendName } from '../../training/backend/backend.ts';
import type { TrainingJob } from '../../training/trainer/train.ts';
import { note, type Progress, startProgress } from '../../ui/terminal/console.ts';
import { counted, percent } from '../../ui/terminal/layout.ts';

/** Steps of the bar. */
const UNITS = 1000;
/** Seconds after which a first step is worth a word: nothing can be said while one computes. */
const LONG_STEP = 5;

/** What computes, and what that means for whoever waits. */
export function backendNote(backend: BackendName): string {
  if (backend !== 'cpu') return `Backend: ${backend}.`;
  return (
    'Backend: cpu, JavaScript alone, about 2,000 times slower than libtorch: a step of 64 images takes minutes, and nothing is\n' +
    'said before the first one ends. For a faster one: sudo apt-get install libtorch-dev && npm run build'
  );
}

/** What `train` tells: a bar with ETA per stage and a line per epoch, all on stderr. */
export function trainingProgress(): Required<
  Pick<TrainingJob, 'onStage' | 'onTeaching' | 'onStep' | 'onEpoch'>
> & {
  stop(): void;
} {
  let stage = '';
  let begun = performance.now();
  let bar: Progress | null = null;
  let asking: Progress | null = null;
  let shown = 0;
  const stop = () => {
    bar?.stop();
    asking?.stop();
    bar = null;
    asking = null;
  };
  return {
    onStage(name, epochs) {
      stop();
      stage = name;
      begun = performance.now();
      note(`Stage ${name}, ${counted(epochs, 'epoch')}`);
    },
    onTeaching(share) {
      if (asking === null) {
        stop();
        asking = startProgress(`${stage}, teachers’ answers, ‰`, UNITS);
        shown = 0;
      }
      const done = Math.floor(UNITS * share);
      if (done > shown) asking.advance(done - shown);
      shown = done;
      if (share < 1) return;
      stop();
      begun = performance.now();
    },
    onStep(share) {
      const done = Math.floor(UNITS * share);
      if (bar === null) {
        const seconds = (performance.now() - begun) / 1000;
        if (seconds > LONG_STEP) note(`${stage}: the first step took ${seconds.toFixed(0)} s`);
        bar = startProgress(`${stage}, ‰`, UNITS - done);
        shown = done;
      }
      if (done > shown) bar.advance(done - shown);
      shown = done;
    },
    onEpoch(name, { epoch, loss, seconds, validation }) {
      note(
        `${name} epoch ${epoch}: loss ${loss.toFixed(4)}, validation top-1 ${percent(validation.top1)}, ` +
          `macro F1 ${percent(validation.macroF1)}, ${seconds.toFixed(0)} s`,
      );
    },
    stop,
  };
}
