import { spawn } from 'node:child_process';
import type unixDgram from 'unix-dgram';

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
  /** After what was told has left. */
  close(): void | Promise<void>;
}

const UNSUPERVISED: Supervisor = {
  ready() {},
  progress() {},
  stopping() {},
  status() {},
  watchdogInterval: null,
  close() {},
};

/** The optional package for datagram sockets, or null where it is not installed or does not load. */
export type LoadSockets = () => Promise<typeof unixDgram | null>;

const loadSockets: LoadSockets = () =>
  import('unix-dgram').then(
    (module) => module.default,
    () => null,
  );

/** A way to the supervisor: one message after the other. */
interface Messenger {
  send(text: string): void;
  close(): void | Promise<void>;
}

/**
 * The supervisor that started this program, by the environment that it set; one that is told nothing where there is none.
 * It is told through the optional package unix-dgram, else through the program systemd-notify.
 * @param onUnreachable called once with why nothing can be told to a supervisor that is there
 */
export async function openSupervisor(
  environment: NodeJS.ProcessEnv,
  onUnreachable: (reason: string) => void,
  sockets: LoadSockets = loadSockets,
): Promise<Supervisor> {
  const address = environment.NOTIFY_SOCKET;
  if (address === undefined || address === '') return UNSUPERVISED;
  // The package knows no addresses of the abstract namespace.
  const unixSockets = address.startsWith('/') ? await sockets() : null;
  const messenger =
    unixSockets === null
      ? programMessenger(environment, onUnreachable)
      : socketMessenger(unixSockets, address);
  return {
    ready: () => messenger.send('READY=1'),
    progress: () => messenger.send('WATCHDOG=1'),
    stopping: () => messenger.send('STOPPING=1'),
    status: (line) => messenger.send(`STATUS=${line.replaceAll('\n', ' ')}`),
    watchdogInterval: watchdogInterval(environment),
    close: () => messenger.close(),
  };
}

function socketMessenger(sockets: typeof unixDgram, address: string): Messenger {
  const socket = sockets.createSocket('unix_dgram');
  // A supervisor that does not listen must not stop the appliance; it will act by its own time-outs.
  socket.on('error', () => {});
  return {
    send(text) {
      const bytes = Buffer.from(text);
      socket.send(bytes, 0, bytes.length, address);
    },
    close: () => socket.close(),
  };
}

/** Milliseconds that one call of systemd-notify may take. */
const PROGRAM_PATIENCE = 5_000;

/** A process per message, one at a time. The unit has to accept what its children say (`NotifyAccess=all`). */
function programMessenger(
  environment: NodeJS.ProcessEnv,
  onUnreachable: (reason: string) => void,
): Messenger {
  let isReported = false;
  const report = (reason: string): void => {
    if (!isReported) {
      onUnreachable(`${reason}, and the optional package unix-dgram does not serve here`);
    }
    isReported = true;
  };
  let last = Promise.resolve();
  return {
    send(text) {
      last = last.then(() => callProgram(text, environment, report));
    },
    close: () => last,
  };
}

function callProgram(
  text: string,
  environment: NodeJS.ProcessEnv,
  report: (reason: string) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn('systemd-notify', [text], {
      env: environment,
      stdio: 'ignore',
      timeout: PROGRAM_PATIENCE,
    });
    child.once('error', (error) => {
      report(`systemd-notify cannot be started (${error.message})`);
      resolve();
    });
    child.once('close', (status) => {
      if (status !== 0) report(`systemd-notify fails (${status ?? 'no answer'})`);
      resolve();
    });
  });
}

/** A third of what systemd allows, so that a late one is no late one. */
function watchdogInterval({ WATCHDOG_USEC, WATCHDOG_PID }: NodeJS.ProcessEnv): number | null {
  const isOurs = WATCHDOG_PID === undefined || Number(WATCHDOG_PID) === process.pid;
  const microseconds = Number(WATCHDOG_USEC);
  return isOurs && microseconds > 0 ? microseconds / 3000 : null;
}
