import type { Socket } from 'node:net';
import { groupBy } from '../../../../group-by.ts';

/** Connections of a server at once; a page needs four. */
const MOST = 48;

interface Connection {
  readonly socket: Socket;
  readonly address: string;
  /** Of the display, or of a device that is paired. */
  isKnown: boolean;
  /** Requests that are not answered yet. */
  asked: number;
}

type Peer = Pick<Socket, 'remoteAddress' | 'remotePort'>;

/**
 * The connections of a server: never many, and none is kept out by those that were there before. Where there would be one
 * too many, one is cut that says nothing which anybody waits for: a stranger's, of the address that has most of them, else
 * one that rests; the oldest each time.
 */
export class Connections {
  /** By who is at the other end; what was used last comes last. */
  readonly #open = new Map<string, Connection>();

  add(socket: Socket): void {
    const peer = nameOf(socket);
    const connection = { socket, address: socket.remoteAddress ?? '', isKnown: false, asked: 0 };
    this.#open.set(peer, connection);
    socket.once('close', () => {
      if (this.#open.get(peer) === connection) this.#open.delete(peer);
    });
    if (this.#open.size <= MOST) return;
    const cut = this.#leastNeeded(connection);
    this.#open.delete(nameOf(cut.socket));
    cut.socket.destroy();
  }

  /** Somebody asks by it. @returns to be called when that is answered */
  asks(socket: Peer, isKnown: boolean): () => void {
    const peer = nameOf(socket);
    const connection = this.#open.get(peer);
    if (connection === undefined) return () => {};
    connection.isKnown ||= isKnown;
    connection.asked++;
    return () => {
      connection.asked--;
      if (this.#open.delete(peer)) this.#open.set(peer, connection);
    };
  }

  #leastNeeded(newest: Connection): Connection {
    const others = [...this.#open.values()].filter((each) => each !== newest);
    const strangers = others.filter(({ isKnown }) => !isKnown);
    const most = [...groupBy(strangers, ({ address }) => address).values()].reduce(
      (a, b) => (b.length > a.length ? b : a),
      [],
    );
    return most.at(0) ?? others.find(({ asked }) => asked === 0) ?? newest;
  }
}

/** A socket and what is encrypted on it have the same. */
function nameOf({ remoteAddress, remotePort }: Peer): string {
  return `${remoteAddress} ${remotePort}`;
}
