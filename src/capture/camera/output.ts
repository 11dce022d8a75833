import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';

const PIECE_BYTES = 65_536;

/** The way that a program's bytes take to this process. */
export interface Output {
  /** What the program writes to; this process has to let go of it once the program has it. */
  readonly entrance: Socket;
  /** Closes after the last of the bytes. */
  readonly exit: Socket;
}

/**
 * A socket of which each piece arrives in the same memory. A pipe's stream makes memory for each; fifty megabytes a second
 * of that, outside V8's heap, have V8 collect the whole heap again and again, which takes a fifth of a core.
 * @param take what has arrived, and is overwritten as soon as it returns
 */
export async function openOutput(take: (bytes: Uint8Array) => void): Promise<Output> {
  const folder = await mkdtemp(path.join(tmpdir(), 'spikescope-camera-'));
  const server = createServer({ pauseOnConnect: true });
  try {
    await once(server.listen(path.join(folder, 'frames')), 'listening');
    return await connected(server, path.join(folder, 'frames'), take);
  } finally {
    server.close();
    await rm(folder, { recursive: true, force: true });
  }
}

async function connected(server: Server, place: string, take: (bytes: Uint8Array) => void): Promise<Output> {
  const entrance = new Promise<Socket>((resolve) => server.once('connection', resolve));
  const callback = (length: number, memory: Uint8Array): boolean => {
    take(memory.subarray(0, length));
    return true;
  };
  const exit = connect({ path: place, onread: { buffer: new Uint8Array(PIECE_BYTES), callback } });
  await once(exit, 'connect');
  // What breaks it closes it, which is all that matters of it.
  exit.on('error', () => {});
  return { entrance: await entrance, exit };
}
