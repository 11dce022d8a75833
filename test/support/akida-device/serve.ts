/** The other end of `native/akida-m2/device/device_socket.h`: reads and writes of a card that is played. */
import { createServer, type Server, type Socket } from 'node:net';
import type { PlayedChip } from './chip.ts';

const QUESTION_BYTES = 12;
const READ = 0;

/** One access: what a trace is made of. */
export interface Access {
  readonly op: 'r' | 'w';
  readonly address: number;
  readonly bytes: Buffer;
}

export interface ServeOptions {
  readonly path: string;
  readonly card: PlayedChip;
  readonly onAccess?: (access: Access) => void;
}

/** Serves until it is closed; any number of owners one after the other. */
export function serve({ path, card, onAccess }: ServeOptions): Promise<Server> {
  const server = createServer((socket) => new Owner(socket, card, onAccess));
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => resolve(server));
  });
}

class Owner {
  readonly #socket: Socket;
  readonly #card: PlayedChip;
  readonly #onAccess: ServeOptions['onAccess'];
  #received: Buffer = Buffer.alloc(0);

  constructor(socket: Socket, card: PlayedChip, onAccess: ServeOptions['onAccess']) {
    this.#socket = socket;
    this.#card = card;
    this.#onAccess = onAccess;
    socket.on('data', (part) => this.#take(part));
    // Whoever is gone asks nothing more.
    socket.on('error', () => undefined);
  }

  #take(part: Buffer): void {
    this.#received = this.#received.length === 0 ? part : Buffer.concat([this.#received, part]);
    while (this.#received.length >= QUESTION_BYTES) {
      const [op, address, size] = [0, 4, 8].map((at) => this.#received.readUInt32LE(at));
      const end = QUESTION_BYTES + (op === READ ? 0 : size);
      if (this.#received.length < end) return;
      const bytes = this.#received.subarray(QUESTION_BYTES, end);
      this.#received = this.#received.subarray(end);
      if (this.#card.has('unplugged')) this.#socket.destroy();
      else if (!this.#card.has('silent'))
        this.#answer(op === READ ? this.#read(address, size) : this.#write(address, bytes));
    }
  }

  #read(address: number, size: number): Buffer | number {
    const bytes = this.#card.read(address, size);
    if (typeof bytes !== 'number') this.#onAccess?.({ op: 'r', address, bytes });
    return bytes;
  }

  #write(address: number, bytes: Buffer): number {
    this.#onAccess?.({ op: 'w', address, bytes: Buffer.from(bytes) });
    return this.#card.write(address, bytes);
  }

  #answer(answer: Buffer | number): void {
    const moved = Buffer.alloc(4);
    moved.writeInt32LE(typeof answer === 'number' ? answer : answer.length);
    this.#socket.write(typeof answer === 'number' ? moved : Buffer.concat([moved, answer]));
  }
}
