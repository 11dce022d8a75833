import { onReaderLeft } from '../../ui/terminal/console.ts';

export interface StopWatch {
  /** Aborts when the program is asked to end. */
  readonly controller: AbortController;
  unwatch(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * Watches for the signals that ask for an end, and for the reader of stdout to leave. A second signal ends the
 * program at once, as the system does.
 */
export function watchForStop(): StopWatch {
  const controller = new AbortController();
  const stop = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop);
    controller.abort();
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  const forgetReader = onReaderLeft(stop);
  const unwatch = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop);
    forgetReader();
  };
  return { controller, unwatch };
}
