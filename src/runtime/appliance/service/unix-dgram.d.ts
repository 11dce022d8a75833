/** The part of the package unix-dgram that is used; it has no types of its own. */
declare module 'unix-dgram' {
  import type { EventEmitter } from 'node:events';

  export interface DatagramSocket extends EventEmitter {
    bind(path: string): void;
    send(bytes: Buffer, offset: number, length: number, path: string): void;
    close(): void;
  }

  const module: {
    createSocket(type: 'unix_dgram', onMessage?: (bytes: Buffer) => void): DatagramSocket;
  };
  export default module;
}
