export interface StopWatch {
  /** Aborts when the program is asked to end. */
  readonly controller: AbortController;
  unwatch(): void;
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Watches for the signals that ask for an end. A second signal ends the program at once, as the system does. */
export function watchForStop(): StopWatch {
  const controller = new AbortController();
  const stop = (): void => {
    unwatchSignals();
    controller.abort();
  };
  const unwatchSignals = (): void => {
    for (const signal of SIGNALS) process.off(signal, stop);
  };
  for (const signal of SIGNALS) process.on(signal, stop);
  return { controller, unwatch: unwatchSignals };
}
