import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

/** Debian puts it into /usr/sbin, which is not on everybody's path. */
const BINARY = [...(process.env.PATH ?? '').split(':'), '/usr/sbin', '/usr/local/sbin']
  .map((folder) => path.join(folder, 'mosquitto'))
  .find((file) => existsSync(file));

/** Whether mosquitto is installed; `npm test` installs it where it may. */
export const hasMosquitto = BINARY !== undefined;

export interface Mosquitto {
  readonly port: number;
  readonly url: string;
  /** What it wrote to its log. */
  log(): string;
  /** Ends it, and its memory of sessions and retained messages with it. */
  stop(): Promise<void>;
}

export interface MosquittoOptions {
  readonly port?: number;
  /** Lines of configuration beside the listener; default `allow_anonymous true`. */
  readonly configuration?: readonly string[];
  /** Contents of files by name, put into the folder that `{folder}` stands for in the configuration. */
  readonly files?: Readonly<Record<string, string>>;
}

/** A real broker in a process of its own, on loopback. */
export async function startMosquitto(options: MosquittoOptions = {}): Promise<Mosquitto> {
  if (BINARY === undefined) throw new Error('mosquitto is not installed');
  const { port = await freePort(), configuration = ['allow_anonymous true'], files = {} } = options;
  const folder = mkdtempSync(path.join(tmpdir(), 'mosquitto-'));
  // It gives up its rights when started as root, and must still read these files.
  chmodSync(folder, 0o755);
  for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
  const lines = [`listener ${port} 127.0.0.1`, 'persistence false', ...configuration];
  writeFileSync(path.join(folder, 'mosquitto.conf'), `${lines.join('\n').replaceAll('{folder}', folder)}\n`);
  const child = spawn(BINARY, ['-v', '-c', path.join(folder, 'mosquitto.conf')], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      log += chunk.toString();
    });
  }
  await untilListening(port, child, () => log);
  return {
    port,
    url: `mqtt://127.0.0.1:${port}`,
    log: () => log,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A port of loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer();
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (typeof address !== 'object' || address === null) throw new Error('no port');
  return address.port;
}

async function untilListening(port: number, child: ChildProcess, log: () => string): Promise<void> {
  for (let attempt = 0; attempt < 200; attempt++) {
    if (child.exitCode !== null) throw new Error(`mosquitto ended: ${log()}`);
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`mosquitto does not listen: ${log()}`);
}
