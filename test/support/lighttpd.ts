import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { freePort } from './mosquitto.ts';

/** Debian puts it into /usr/sbin, which is not on everybody's path. */
const BINARY = [...(process.env.PATH ?? '').split(':'), '/usr/sbin']
  .map((folder) => path.join(folder, 'lighttpd'))
  .find((file) => existsSync(file));

export const hasLighttpd = BINARY !== undefined;

export interface Lighttpd {
  readonly port: number;
  stop(): Promise<void>;
}

/** Debian's static web server, which knows parts of files, over a folder, in a process of its own, on loopback. */
export async function startLighttpd(served: string): Promise<Lighttpd> {
  if (BINARY === undefined) throw new Error('lighttpd is not installed');
  const port = await freePort();
  const folder = mkdtempSync(path.join(tmpdir(), 'lighttpd-'));
  const lines = [
    `server.document-root = ${JSON.stringify(served)}`,
    'server.bind = "127.0.0.1"',
    `server.port = ${port}`,
    `server.errorlog = ${JSON.stringify(path.join(folder, 'errors'))}`,
  ];
  writeFileSync(path.join(folder, 'lighttpd.conf'), `${lines.join('\n')}\n`);
  const child = spawn(BINARY, ['-D', '-f', path.join(folder, 'lighttpd.conf')], { stdio: 'ignore' });
  await untilListening(port, child);
  return {
    port,
    async stop() {
      if (child.exitCode === null && child.signalCode === null) {
        child.kill('SIGTERM');
        await once(child, 'exit');
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function untilListening(port: number, child: ChildProcess): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (child.exitCode !== null) throw new Error('lighttpd ended');
    const socket = connect(port, '127.0.0.1');
    const isOpen = await new Promise<boolean>((resolve) => {
      socket.once('connect', () => resolve(true));
      socket.once('error', () => resolve(false));
    });
    socket.destroy();
    if (isOpen) return;
    await delay(25);
  }
  throw new Error('lighttpd does not listen');
}
