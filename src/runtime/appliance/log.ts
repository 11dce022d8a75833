import { destination, pino } from 'pino';

/** What happened, in words that are the same on every device and name nothing and nobody. */
export type LogEvent =
  | { readonly event: 'started'; readonly model: string; readonly backend: string; readonly source: string }
  | {
      readonly event: 'captured';
      readonly result: string;
      readonly accepted: boolean;
      readonly milliseconds: number;
    }
  | { readonly event: 'learned'; readonly kept: boolean }
  | { readonly event: 'undone'; readonly undone: boolean }
  | { readonly event: 'fault'; readonly code: string }
  | { readonly event: 'backend'; readonly backend: string }
  | { readonly event: 'state'; readonly state: string }
  | { readonly event: 'stopped'; readonly captures: number; readonly retakes: number };

export interface Log {
  write(event: LogEvent): void;
}

/** Written nowhere: notes in words serve whoever watches. */
export const NO_LOG: Log = { write() {} };

/** JSON lines on stderr (pino), at once, so that a crash loses none. */
export function openLog(device: string): Log {
  const logger = pino(
    { base: { device }, level: process.env.SPIKESCOPE_LOG_LEVEL ?? 'info' },
    destination({ fd: 2, sync: true }),
  );
  return {
    write({ event, ...details }) {
      if (event === 'fault') logger.warn(details, event);
      else if (event === 'state') logger.debug(details, event);
      else logger.info(details, event);
    },
  };
}
