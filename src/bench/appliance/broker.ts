/** A mosquitto of one's own. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect as connectSocket, createServer } from 'node:net';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { SpikescopeError } from '../../errors.ts';

/** Milliseconds for the broker to listen. */
const PATIENCE = 10_000;

/** A free port that the system gives to nobody by itself: during the outage nobody else may answer on it. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000);
    const server = createServer().listen(port, '127.0.0.1');
    const isFree = await Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]).catch(() => false);
    server.close();
    if (isFree) return port;
  }
}

/**
 * A broker that keeps what its subscribers are too slow for: by default it drops all beyond a thousand messages.
 * @param folder takes its configuration
 * @returns what stops it
 * @throws SpikescopeError `BENCH_BROKER` when mosquitto is not installed or does not listen
 */
export async function startBroker(folder: string, port: number): Promise<() => Promise<void>> {
  const configuration = path.join(folder, 'mosquitto.conf');
  writeFileSync(configuration, `listener ${port} 127.0.0.1\nallow_anonymous true\nmax_queued_messages 0\n`);
  const child = spawn('mosquitto', ['-c', configuration], {
    stdio: 'ignore',
    env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` },
  });
  let failure: Error | null = null;
  child.on('error', (error) => {
    failure = error;
  });
  const kill = (): void => void child.kill();
  process.once('exit', kill);
  const deadline = performance.now() + PATIENCE;
  while (!(await answers(port))) {
    if (failure !== null || performance.now() > deadline) throw missing(failure);
    await delay(25);
  }
  return async () => {
    process.off('exit', kill);
    child.kill('SIGTERM');
    await once(child, 'exit');
  };
}

async function answers(port: number): Promise<boolean> {
  const socket = connectSocket(port, '127.0.0.1');
  const isOpen = await Promise.race([
    once(socket, 'connect').then(() => true),
    once(socket, 'error').then(() => false),
  ]).catch(() => false);
  socket.destroy();
  return isOpen;
}

function missing(cause: unknown): SpikescopeError {
  return new SpikescopeError('BENCH_BROKER', 'mosquitto does not run here', {
    expected: 'the broker mosquitto on the path',
    remedy: 'apt-get install mosquitto',
    cause,
  });
}
