import { type Progress, startProgress } from '../../ui/terminal/console.ts';

/** Steps of a bar. */
const UNITS = 1000;

/** A bar with ETA for each stage in turn, on stderr, from the shares (0…1) that the stages report. */
export function stageProgress(): { onStep(stage: string, share: number): void; stop(): void } {
  let current: { readonly stage: string; readonly bar: Progress; shown: number } | null = null;
  const stop = () => {
    current?.bar.stop();
    current = null;
  };
  return {
    onStep(stage, share) {
      if (current?.stage !== stage || share * UNITS < current.shown) {
        stop();
        current = { stage, bar: startProgress(`${stage}, ‰`, UNITS), shown: 0 };
      }
      const done = Math.floor(UNITS * share);
      current.bar.advance(done - current.shown);
      current.shown = done;
    },
    stop,
  };
}
