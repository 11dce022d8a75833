import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import type { Random } from './random.ts';

export interface CuttingProxy {
  readonly url: string;
  /** Connections that were made, and how many of them were cut. */
  readonly connections: number;
  readonly cuts: number;
  /** Bytes that have gone to whoever asked. */
  readonly bytes: number;
  /** Whether anybody gets through; set, it changes that, and cuts what is open. */
  isUp: boolean;
  close(): void;
}

/**
 * A way to a TCP server on which a share of the pieces of what comes from it is lost, and with the piece the connection.
 * @param share 0…1, of pieces of so many bytes (default: 64 KiB)
 */
export async function startCuttingProxy(
  port: number,
  { random, share, piece = 65_536 }: { random: Random; share: number; piece?: number },
): Promise<CuttingProxy> {
  const open = new Set<Socket>();
  const counts = { connections: 0, cuts: 0, bytes: 0 };
  let isUp = true;
  const server = createServer((near) => {
    if (!isUp) {
      near.resetAndDestroy();
      return;
    }
    counts.connections++;
    let left = untilCut(random, share, piece);
    const far = connect(port, '127.0.0.1');
    for (const [from, to] of [
      [near, far],
      [far, near],
    ]) {
      open.add(from);
      from.on('error', () => {});
      from.on('close', () => {
        open.delete(from);
        to.end();
      });
    }
    near.on('data', (chunk: Buffer) => far.write(chunk));
    far.on('data', (chunk: Buffer) => {
      const passing = chunk.subarray(0, Math.min(chunk.length, left));
      left -= passing.length;
      counts.bytes += passing.length;
      if (!near.write(passing)) {
        far.pause();
        near.once('drain', () => far.resume());
      }
      if (left > 0) return;
      counts.cuts++;
      // What came before the lost piece has arrived: a reset would take it back out of the receiver's own buffers, and one
      // that
      // reads slowly would never get on.
      near.end();
      far.destroy();
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (typeof address !== 'object' || address === null) throw new Error('no address');
  return {
    url: `http://127.0.0.1:${address.port}/`,
    get connections() {
      return counts.connections;
    },
    get cuts() {
      return counts.cuts;
    },
    get bytes() {
      return counts.bytes;
    },
    get isUp() {
      return isUp;
    },
    set isUp(up: boolean) {
      isUp = up;
      if (!up) for (const socket of open) socket.destroy();
    },
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}

/** Bytes after which a connection is cut. */
function untilCut(random: Random, share: number, piece: number): number {
  let pieces = 0;
  while (!random.chance(share)) pieces++;
  return Math.floor((pieces + random.next()) * piece);
}
