/** What a supervisor is told: systemd's notification protocol (sd_notify(3)). */
export interface Supervisor {
  /** Everything is open; captures can be taken. */
  ready(): void;
  /** The main loop got on. Without it for too long, the supervisor starts the program again. */
  progress(): void;
  stopping(): void;
  /** A line for whoever asks how the service is. */
  status(line: string): void;
  /** Milliseconds between two `progress` that are to be kept; null when nobody watches. */
  readonly watchdogInterval: number | null;
  close(): void;
}

const UNSUPERVISED: Supervisor = {
  ready() {},
  progress() {},
  stopping() {},
  status() {},
  watchdogInterval: null,
  close() {},
};

/**
 * The supervisor that started this program, by the environment that it set; one that is told nothing where there is
 * none, or where the optional package for its sockets is not installed.
 * @param onUnreachable called once with why nothing can be told to a supervisor that is there
 */
export async function openSupervisor(
  environment: NodeJS.ProcessEnv,
  onUnreachable: (reason: string) => void,
): Promise<Supervisor> {
  const address = environment.NOTIFY_SOCKET;
  if (address === undefined || address === '') return UNSUPERVISED;
  if (!address.startsWith('/')) {
    onUnreachable('its socket is in the abstract namespace');
    return UNSUPERVISED;
  }
  const module = await import('unix-dgram').catch(() => null);
  if (module === null) {
    onUnreachable('the optional package unix-dgram is not installed');
    return UNSUPERVISED;
  }
  const socket = module.default.createSocket('unix_dgram');
  // A supervisor that does not listen must not stop the appliance; it will act by its own time-outs.
  socket.on('error', () => {});
  const send = (text: string): void => {
    const bytes = Buffer.from(text);
    socket.send(bytes, 0, bytes.length, address);
  };
  return {
    ready: () => send('READY=1'),
    progress: () => send('WATCHDOG=1'),
    stopping: () => send('STOPPING=1'),
    status: (line) => send(`STATUS=${line.replaceAll('\n', ' ')}`),
    watchdogInterval: watchdogInterval(environment),
    close: () => socket.close(),
  };
}

/** A third of what systemd allows, so that a late one is no late one. */
function watchdogInterval({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | null {
  const isOurs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
  const microseconds = Number(WATCHDOG_USEC);
  return isOurs && microseconds > 0 ? microseconds / 3000 : null;
}
